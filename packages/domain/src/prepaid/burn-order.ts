import { decimal, isZero } from '../money/index.ts';
import type { Grant } from './grant.ts';

/**
 * Which grant pays first:
 * - `priority`: the smaller priority, then the earliest expiry (never comes last), then the oldest
 * - `purchase`: the oldest
 * - `free_first`: what cost nothing, then as `priority`
 */
export const BURN_ORDERS = ['priority', 'purchase', 'free_first'] as const;
export type BurnOrder = (typeof BURN_ORDERS)[number];

type Ranked = Pick<Grant, 'id' | 'priority' | 'expiresAtMs' | 'createdAtMs' | 'cost'>;

/** Below zero if `a` pays before `b`. Ids, which sort by age, settle what is left: the order is the same every time. */
export function compareBurn(order: BurnOrder, a: Ranked, b: Ranked): number {
  const byAge = a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  if (order === 'purchase') return byAge;
  const byPriority = a.priority - b.priority || compareExpiry(a.expiresAtMs, b.expiresAtMs) || byAge;
  return order === 'priority' ? byPriority : (isFree(b) ? 1 : 0) - (isFree(a) ? 1 : 0) || byPriority;
}

export function isFree({ cost }: Pick<Grant, 'cost'>): boolean {
  return cost === null || isZero(decimal(cost));
}

function compareExpiry(a: number | null, b: number | null): number {
  if (a === b) return 0;
  if (a === null) return 1;
  return b === null ? -1 : a - b;
}
