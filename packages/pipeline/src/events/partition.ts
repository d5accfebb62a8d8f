import { hash } from 'node:crypto';

/**
 * The partition of an event id: the same (tenant, source, id) always meets its duplicates, voids and replacements in the same one.
 * Must never change for an existing log.
 */
export function partitionOf(tenant: string, source: string, id: string, partitionCount: number): number {
  if (partitionCount === 1) return 0;
  const digest = hash('sha256', `${tenant}\0${source}\0${id}`, 'hex');
  return Number(BigInt(`0x${digest.slice(0, 16)}`) % BigInt(partitionCount));
}
