import type { Modifiers, Price } from '../prices/index.ts';
import type { Facts, LineContext } from './explain/facts.ts';
import type { EventValue, SeatChange, UsageGroup } from './metered-usage.ts';

export type PeriodPosition = 'first' | 'middle' | 'last';

/** What to price. Quantities and amounts are decimal strings. */
export interface PriceInput {
  readonly currency: string;
  readonly price: Price;
  readonly modifiers?: Modifiers | undefined;
  /** The usage of this part of the billing period, before any conversion. */
  readonly quantity: string;
  /** A whole number; fees per event need it. */
  readonly eventsCount?: string | undefined;
  /** The same usage by dimensions, and by single events, where the price needs them; see `usageNeeds`. */
  readonly groups?: readonly UsageGroup[] | undefined;
  readonly values?: readonly EventValue[] | undefined;
  readonly seatChanges?: readonly SeatChange[] | undefined;
  /** Usage earlier in the same billing period, billed already: tiers go on from there. */
  readonly previousQuantity?: string | undefined;
  readonly previousEventsCount?: string | undefined;
  readonly previousGroups?: readonly UsageGroup[] | undefined;
  readonly previousValues?: readonly EventValue[] | undefined;
  /** Money billed already in the period, before credits: it counts toward minimum and maximum. */
  readonly previousAmount?: string | undefined;
  /** What of `modifiers.credits` was spent earlier in the period: should its charge fall below that, the difference returns. */
  readonly previousCredits?: string | undefined;
  /** Which part of a period billed in parts this is; absent: the whole period. */
  readonly periodPosition?: PeriodPosition | undefined;
  /** Units of the allowance that earlier periods left over; see `unitsCarriedOver`. */
  readonly carriedUnits?: string | undefined;
  /** Whether it is the subscription's first billing period, which fees that are due once wait for; default true. */
  readonly firstPeriod?: boolean | undefined;
  /** Whether minimum and maximum are for the same share of the period as its fees; default false: whole. */
  readonly sharesLimits?: boolean | undefined;
  /** Days charged (or seconds), of those in the billing period: both or neither. Only fees for the period are prorated, never usage. */
  readonly prorationNumerator?: number | undefined;
  readonly prorationDenominator?: number | undefined;
  /** What these count; absent: days. */
  readonly prorationUnit?: 'second' | undefined;
}

export type LineKind =
  | 'conversion'
  | 'flat'
  | 'unit'
  | 'tier'
  | 'package'
  | 'percentage'
  | 'event'
  | 'dynamic'
  | 'seat'
  | 'unpriced'
  | 'negotiated'
  | 'included'
  | 'overage'
  | 'billed'
  | 'discount'
  | 'maximum'
  | 'minimum'
  | 'credit'
  | 'rounding';

/** One step of how a charge came about; `amount` is not rounded, and negative where it lowers the charge. */
export interface RatedLine {
  readonly kind: LineKind;
  /** In English; `describe` says the same in other languages. */
  readonly description: string;
  readonly quantity: string | null;
  readonly unitAmount: string | null;
  readonly amount: string;
  readonly tier?: TierPlace;
  readonly facts: Facts;
  readonly context?: LineContext;
}

export interface TierPlace {
  readonly index: number;
  readonly from: string;
  readonly upTo: string | null;
}

/**
 * `total = amount + charges - discounts - credits`, all with the currency's digits; `total` is `exactAmount` rounded once. The
 * amounts of `lines` add up to `exactAmount` exactly.
 */
export interface PriceEvaluation {
  /** What the price itself asks for. */
  readonly amount: string;
  /** The top-up to the minimum. */
  readonly charges: string;
  /** Percent off, and what exceeds the maximum. */
  readonly discounts: string;
  readonly credits: string;
  readonly total: string;
  readonly exactAmount: string;
  readonly lines: readonly RatedLine[];
  /** The last step, from `exactAmount` to `total`; null where nothing was left to round. */
  readonly rounding: RatedLine | null;
}
