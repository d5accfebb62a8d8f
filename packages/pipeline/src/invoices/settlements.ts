import type { CommitmentSettlement } from '@meterline/domain/commitments';
import { type InvoiceDocument, settleTerm } from '@meterline/domain/invoices';
import type { BillingPeriod } from '@meterline/domain/subscriptions';
import { formatInstant, parseInstantMs } from '@meterline/domain/time';
import { elapsedDays, termAt, termOf } from '../commitments/index.ts';
import type { Account, SubscriptionTerms } from '../ports/index.ts';

/** A period to bill, and what was invoiced before. */
export interface PeriodToSettle {
  readonly account: Account;
  readonly terms: SubscriptionTerms;
  readonly period: BillingPeriod;
  /** Earlier invoices of the terms of its commitment that its invoice settles; empty without a commitment. */
  readonly issued: readonly InvoiceDocument[];
}

/**
 * What the commitment of a subscription, if it has one, adds to the invoice of a period: for the term of the period, and for earlier terms whose spend
 * the adjustments change.
 */
export function settlements(
  { account, terms, period, issued }: PeriodToSettle,
  charges: Pick<InvoiceDocument, 'lines' | 'adjustments'>,
): CommitmentSettlement[] {
  const { commitment, currency } = terms;
  if (commitment === null) return [];
  const agreed = { account, terms, commitment };
  const now = { period: { from: formatInstant(period.fromMs) }, ...charges };
  const own = termOf(agreed, period.fromMs);
  const earlier = new Map(
    charges.adjustments.flatMap((adjustment) => {
      const term = termAt(agreed, parseInstantMs(adjustment.period.from) ?? NaN);
      return term === undefined || term.fromMs === own.fromMs ? [] : [[term.fromMs, term] as const];
    }),
  );
  const settle = (term: typeof own, untilMs: number) =>
    settleTerm({ commitment, currency, term, elapsedDays: elapsedDays(term, untilMs, account.timezone), issued, now });
  const changed = [...earlier.values()].map((term) => settle(term, term.toMs)).filter(({ lines }) => lines.length > 0);
  return [settle(own, period.toMs), ...changed];
}
