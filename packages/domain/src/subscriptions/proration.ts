import { z } from 'zod';

/**
 * How fees for a billing period are shared where not all of it is subscribed: by whole local days, by seconds, or not at all (any part of a period pays
 * the whole fee). Usage is never prorated.
 */
export const prorationSchema = z.enum(['day', 'second', 'none']);

/** What a billing period needs to share its fees otherwise than by days, which is what happens without it. */
export type FeeSharing =
  | { readonly by: 'none' }
  | {
      readonly by: 'second';
      /** What is paid for, half-open and in whole seconds: from the second of the start to the second of the end. */
      readonly fromMs: number;
      readonly toMs: number;
      readonly secondsInPeriod: number;
    };

/** A billing period, or a part of one. Half-open; `days` are its local days. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly days: number;
}

/** A billing period with how its fees are shared. */
export interface SharedPeriod extends Span {
  readonly daysInPeriod: number;
  readonly sharing?: FeeSharing | undefined;
}

export interface FeeShare {
  /** Whole numbers: 0 <= numerator <= denominator, 1 <= denominator. */
  readonly numerator: number;
  readonly denominator: number;
  /** Absent for days. */
  readonly unit?: 'second';
}

const SECOND_MS = 1000;

/** The share of a period's fees that a part of it pays. Those of parts that tile the period add up to that of the period. */
export function feeShare(period: SharedPeriod, part: Span = period): FeeShare {
  const { sharing } = period;
  switch (sharing?.by) {
    case undefined:
      return { numerator: part.days, denominator: period.daysInPeriod };
    case 'none':
      return { numerator: part.days, denominator: period.days };
    case 'second':
      return { numerator: secondsPaid(sharing, part), denominator: sharing.secondsInPeriod, unit: 'second' };
  }
}

function secondsPaid(paid: { readonly fromMs: number; readonly toMs: number }, part: Span): number {
  const within = (ms: number): number => Math.min(Math.max(ms, paid.fromMs), paid.toMs);
  return wholeSeconds(within(part.toMs)) - wholeSeconds(within(part.fromMs));
}

/** The second that an instant lies in: whoever ends and whoever begins at one instant agree on it. */
export function wholeSeconds(ms: number): number {
  return Math.floor(ms / SECOND_MS);
}
