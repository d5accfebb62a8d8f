export interface InvoicePolicy {
  /**
   * 1: explanations are sentences, without conversions of units and rounding.
   * 2: they are data that the sentences are made of, every step of it.
   * 3: a price per seat is charged for the seats as they were held over the period, where its meter knows them; minimum and maximum of a rate card
   *    are shared as its fees are.
   */
  readonly version: number;
  /** Each line is rounded once, to the currency's digits, unless its price says otherwise; totals are sums of rounded lines. */
  readonly rounding: { readonly mode: 'half_up'; readonly scope: 'line' };
  /** Fees for the period pay `days / daysInPeriod` of it in whole local days; by seconds as its `sharing` says; or (none) are always whole. */
  readonly proration: 'day' | 'second' | 'none';
  /** Late usage of an invoiced period is settled on the next invoice. */
  readonly lateUsage: 'adjust_next_invoice';
}

export const INVOICE_POLICY: InvoicePolicy = {
  version: 3,
  rounding: { mode: 'half_up', scope: 'line' },
  proration: 'day',
  lateUsage: 'adjust_next_invoice',
};
