import type { RateCard } from '../prices/index.ts';
import type { MeteredUsage } from '../rating/index.ts';
import type { FeeShare } from '../subscriptions/index.ts';
import type { Coverage } from './coverage.ts';

/** A part of a billing period in which the card has one price. */
export interface LinePart {
  readonly rateCard: RateCard;
  /** Half-open, RFC 3339. */
  readonly from: string;
  readonly to: string;
  readonly days: number;
  /** What the part pays of the period's fees; absent: its days of `daysInPeriod`. */
  readonly share?: FeeShare | undefined;
  /** Usage of the card's meter in the part, as finely as `usageNeeds` of the card asks; without a meter the quantity is 1. */
  readonly usage: MeteredUsage | null;
  /** Revision of the negotiated price it is charged at; absent: the list price. */
  readonly negotiated?: number | undefined;
}

export interface LineInput {
  readonly currency: string;
  readonly daysInPeriod: number;
  /** Whether it is the subscription's first billing period, which fees that are due once wait for; default true. */
  readonly firstPeriod?: boolean | undefined;
  /** Whether minimum and maximum of the card are shared as its fees are; default false: a part of a period has them whole. */
  readonly sharesLimits?: boolean | undefined;
  /** Units of the card's allowance that earlier periods left over. */
  readonly carriedUnits?: string | undefined;
  /** Whether the period goes on, so that its allowance leaves nothing over yet; default false. */
  readonly goesOn?: boolean | undefined;
  /** What prepaid packs pay for; absent: nothing. */
  readonly covered?: Coverage | undefined;
  /** In order; more than one where the price changed. */
  readonly parts: readonly [LinePart, ...LinePart[]];
}
