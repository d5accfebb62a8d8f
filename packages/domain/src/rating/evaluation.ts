import type { Modifiers, Price } from '../prices/index.ts';

export type PeriodPosition = 'first' | 'middle' | 'last';

/** What to price. Quantities and amounts are decimal strings. */
export interface PriceInput {
  readonly currency: string;
  readonly price: Price;
  readonly modifiers?: Modifiers | undefined;
  /** The usage of this part of the billing period, before any conversion. */
  readonly quantity: string;
  readonly eventsCount?: string | undefined;
  /** Usage earlier in the same billing period, billed already: tiers go on from there. */
  readonly previousQuantity?: string | undefined;
  /** Money billed already in the period: it counts toward minimum and maximum. */
  readonly previousAmount?: string | undefined;
  /** Which part of a period billed in parts this is; absent: the whole period. */
  readonly periodPosition?: PeriodPosition | undefined;
}

export type LineKind =
  'flat' | 'unit' | 'tier' | 'package' | 'included' | 'overage' | 'discount' | 'maximum' | 'minimum' | 'credit';

/** One step of how a charge came about; `amount` is not rounded, and negative where it lowers the charge. */
export interface RatedLine {
  readonly kind: LineKind;
  readonly description: string;
  readonly quantity: string | null;
  readonly unitAmount: string | null;
  readonly amount: string;
  readonly tier?: { readonly index: number; readonly from: string; readonly upTo: string | null };
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
}
