import type { Coverage } from '@meterline/domain/invoices';
import type { CreditApplied, PrepaidAccount, UnitsDrawn } from '@meterline/domain/prepaid';
import type { Cut } from '../ports/index.ts';

/** A period as it was invoiced, with everything that was settled about it since; or as it was billed before its invoice. */
export interface BilledPeriod {
  /** Number of its invoice; null where there is none yet. */
  readonly invoice: string | null;
  /** Where its usage was seen last; null: nothing was. */
  readonly cut: Cut | null;
  /** Up to which instant it was seen then, where that was before the end of the period. */
  readonly usageToMs?: number | undefined;
  line(key: string): BilledLine;
}

export interface BilledLine {
  /** What was charged. */
  readonly amount: string;
  /** Grants neither pay more of it nor get anything back: what was paid in advance stays paid. */
  readonly isFinal?: boolean;
  /** What came into the period of the card's allowance, as known then. */
  readonly carriedUnits: string | undefined;
  readonly units: readonly UnitsDrawn[];
  readonly credits: readonly CreditApplied[];
}

/** A period that draws on its customer's grants. */
export interface DrawingPeriod {
  readonly account: PrepaidAccount;
  /** What is written down together has one booking. */
  readonly booking: string;
  /** Periods of one account draw in this order. */
  readonly turn: number;
  /** Null for a period of which nothing was billed yet. */
  readonly billed: BilledPeriod | null;
}

/** A period of which an invoice states what packs covered, by line. */
export interface StatedPeriod {
  readonly covered: ReadonlyMap<string, Coverage>;
}

export type PeriodPrepaid = DrawingPeriod | StatedPeriod;

/** What of a period to be rated matters to grants. */
export interface PrepaidPeriod {
  readonly currency: string;
  readonly period: { readonly fromMs: number; readonly toMs: number };
  /** Under a commitment: its settlement says what is due in the end, so credits pay for none of its lines. */
  readonly committed: boolean;
  /** Of an interim invoice, which gives no money back: credits get nothing back by it either. */
  readonly usageToMs?: number | undefined;
  readonly prepaid?: PeriodPrepaid | undefined;
}

export function isDrawing(prepaid: PeriodPrepaid | undefined): prepaid is DrawingPeriod {
  return prepaid !== undefined && 'account' in prepaid;
}

/** What a period took from grants (below zero: gave back), beside what an earlier invoice of it took. */
export interface PrepaidEntries {
  readonly units: readonly UnitsDrawn[];
  readonly credits: readonly CreditApplied[];
}
