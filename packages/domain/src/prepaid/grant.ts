import type { Modifiers } from '../prices/index.ts';
import { floorMinute } from '../time/index.ts';

export type UnitConversion = NonNullable<Modifiers['unitConversion']>;

/** What of a grant goes on in a successor when it expires: `percent` of what is left, at most `maximum`. */
export interface CarryOver {
  readonly percent: string;
  readonly maximum: string | null;
  /** Until when the carried part can be used; it is not carried a second time. */
  readonly expiresAtMs: number;
}

/** Which usage a pack pays for, and in what units. */
export interface UnitsScope {
  readonly meter: string;
  /** Dimension name -> accepted values; empty: all usage of the meter. */
  readonly filter: Readonly<Record<string, readonly string[]>>;
  /** From the meter's unit to the pack's, rounded over the period so far; null: they are the same. */
  readonly conversion: UnitConversion | null;
}

/** A bucket of units or money that a customer has before it uses anything. Never changes; what becomes of it is in the ledger. */
export interface Grant {
  readonly id: string;
  /** The customer's name for it: the same key is the same grant. */
  readonly key: string;
  readonly name: string;
  /** Null for money. */
  readonly units: UnitsScope | null;
  /** Null for units. */
  readonly currency: string | null;
  /** Exact decimal above zero. */
  readonly amount: string;
  /** The smaller one burns first. */
  readonly priority: number;
  /** It pays for usage in [effectiveAtMs, expiresAtMs); null = it never expires. */
  readonly effectiveAtMs: number;
  readonly expiresAtMs: number | null;
  readonly createdAtMs: number;
  /** What the customer paid for it, in its currency; null: nothing. */
  readonly cost: string | null;
  readonly carryOver: CarryOver | null;
  /** The grant whose rest this one is. */
  readonly carriedFrom: string | null;
}

const MINUTE_MS = 60_000;

/** Whole minutes in which usage may burn the grant: usage is kept by the minute, and none outside the grant's time may burn it. */
export function usableWindow({ effectiveAtMs, expiresAtMs }: Pick<Grant, 'effectiveAtMs' | 'expiresAtMs'>): {
  readonly fromMs: number;
  readonly toMs: number;
} {
  return {
    fromMs: floorMinute(effectiveAtMs + MINUTE_MS - 1),
    toMs: expiresAtMs === null ? Infinity : floorMinute(expiresAtMs),
  };
}

/** Whether it pays for anything at this instant. */
export function isEffectiveAt(grant: Pick<Grant, 'effectiveAtMs' | 'expiresAtMs'>, atMs: number): boolean {
  return grant.effectiveAtMs <= atMs && (grant.expiresAtMs === null || atMs < grant.expiresAtMs);
}
