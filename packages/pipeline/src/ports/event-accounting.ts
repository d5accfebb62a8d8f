import type { Cut } from './segment-ledger.ts';

/** Usage of [fromMs, toMs) below `cut`: what one invoice rated of one period. */
export interface RatedSpan {
  readonly fromMs: number;
  readonly toMs: number;
  readonly cut: Cut;
}

/** Subjects whose events the same invoices rated. */
export interface RatedSubjects {
  readonly subjects: readonly string[];
  /** Periods as they were invoiced. */
  readonly invoiced: readonly RatedSpan[];
  /** Earlier periods that invoices rated again, to settle what came late. */
  readonly adjusted: readonly RatedSpan[];
}

/** Subjects of a tenant, in the order of their UTF-8 bytes. */
export interface SubjectRange {
  readonly from: string;
  /** Exclusive; null = to the last. */
  readonly to: string | null;
  /** All that was rated of them; a subject that is not listed has no invoice. */
  readonly rated: readonly RatedSubjects[];
}

/** Events by how they are accounted for, each in exactly one: the first that applies. */
export interface EventTally {
  /** No longer effective: a void or a replacement took its place. */
  readonly withdrawn: number;
  readonly invoiced: number;
  readonly adjusted: number;
  readonly pending: number;
  /** Rows that withdraw an event. */
  readonly withdrawals: number;
}

/** Counts raw events by what invoices made of them. Everything is seen below a cut. */
export interface EventAccounting {
  tenants(cut: Cut): Promise<string[]>;
  tally(range: SubjectRange, cut: Cut, tenant: string): Promise<EventTally>;
  /** Accepted records of every tenant that are no event themselves, but only withdraw one. */
  voidRecords(cut: Cut): Promise<number>;
}
