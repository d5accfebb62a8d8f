import type { Modifiers, Price } from '../prices/index.ts';
import type { RatedLine } from '../rating/index.ts';

/** What one rate card came to in one billing period. Quantities and amounts are decimal text; `amount` has the currency's digits. */
export interface InvoiceLine {
  readonly key: string;
  readonly name: string;
  readonly meter: string | null;
  readonly quantity: string;
  /** Events behind the quantity. */
  readonly events: number;
  readonly model: Price['model'];
  readonly price: Price;
  readonly modifiers: Modifiers | null;
  /** How the amount came about, tier by tier. */
  readonly explanation: readonly RatedLine[];
  readonly amount: string;
}

/** Half-open; `days` of its local days are billed, of the `daysInPeriod` that the whole period has. */
export interface InvoicePeriod {
  readonly from: string;
  readonly to: string;
  readonly days: number;
  readonly daysInPeriod: number;
}

/** Usage of an invoiced period that came, or was withdrawn, after its invoice: the difference is settled here. */
export interface InvoiceAdjustment {
  /** Number of the invoice of that period. */
  readonly invoice: string;
  readonly period: InvoicePeriod;
  readonly plan: string;
  readonly planVersion: number;
  /** The line of that invoice, by its rate card. */
  readonly key: string;
  readonly name: string;
  /** Usage of that period as known now. */
  readonly quantity: string;
  readonly events: number;
  /** What that usage costs at the terms of then. */
  readonly ratedAmount: string;
  /** What was invoiced for it before: the line and earlier adjustments. */
  readonly billedAmount: string;
  /** `ratedAmount - billedAmount`: negative gives money back. */
  readonly amount: string;
}

/** An invoice as issued. It holds everything that rating it again needs; see `policy` for the rules. Instants are RFC 3339. */
export interface InvoiceDocument {
  readonly id: string;
  readonly number: string;
  readonly tenant: string;
  /** `subjects`: whose usage it was when the invoice was made. */
  readonly customer: { readonly key: string; readonly name: string; readonly subjects: readonly string[] };
  readonly subscription: string;
  readonly plan: string;
  readonly planVersion: number;
  readonly period: InvoicePeriod;
  readonly currency: string;
  readonly lines: readonly InvoiceLine[];
  readonly adjustments: readonly InvoiceAdjustment[];
  /** Sum of the amounts of lines and adjustments. */
  readonly total: string;
  /** The part of the log it was rated from: per partition, the first offset left out. */
  readonly cut: readonly number[];
  readonly issuedAt: string;
  readonly policy: InvoicePolicy;
}

export interface InvoicePolicy {
  readonly version: number;
  /** Each line is rounded once, to the currency's digits; totals are sums of rounded lines. */
  readonly rounding: { readonly mode: 'half_up'; readonly scope: 'line' };
  /** Flat prices pay `days / daysInPeriod`, in whole local days. */
  readonly proration: 'day';
  /** Late usage of an invoiced period is settled on the next invoice. */
  readonly lateUsage: 'adjust_next_invoice';
}

export const INVOICE_POLICY: InvoicePolicy = {
  version: 1,
  rounding: { mode: 'half_up', scope: 'line' },
  proration: 'day',
  lateUsage: 'adjust_next_invoice',
};

/** 1 -> `INV-000001`; a millionth invoice just gets longer. */
export function formatInvoiceNumber(number: bigint): string {
  return `INV-${String(number).padStart(6, '0')}`;
}
