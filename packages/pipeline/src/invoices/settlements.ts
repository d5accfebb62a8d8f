import type { CommitmentSettlement, CommitmentTerm } from '@meterline/domain/commitments';
import { type InvoiceDocument, settleTerm } from '@meterline/domain/invoices';
import type { BillingPeriod } from '@meterline/domain/subscriptions';
import { formatInstant, parseInstantMs } from '@meterline/domain/time';
import { type AgreedSubscription, elapsedDays, termAt, termOf } from '../commitments/index.ts';
import type { Account, SubscriptionTerms } from '../ports/index.ts';
import { type TermLeft, termsLeft } from './terms-left.ts';

/**
 * What the commitment of a subscription, if it has one, makes of charges within a period that goes on: its minimum is due for whole periods, so no more of
 * it than when the period began.
 */
export function settledWithin(
  { account, terms, period, issued }: PeriodToSettle,
  charges: Pick<InvoiceDocument, 'kind' | 'lines' | 'billedInAdvance' | 'interim' | 'adjustments'>,
): CommitmentSettlement[] {
  const { commitment, currency } = terms;
  if (commitment === null) return [];
  const term = termOf({ account, terms, commitment }, period.fromMs);
  const days = elapsedDays(term, period.fromMs, account.timezone);
  const now = { ...charges, period: { from: formatInstant(period.fromMs) } };
  return [settleTerm({ commitment, currency, term, elapsedDays: days, issued, now })];
}

/** A period to bill, and what was invoiced before. */
export interface PeriodToSettle {
  readonly account: Account;
  readonly terms: SubscriptionTerms;
  readonly period: BillingPeriod;
  /** Earlier invoices of the terms that its invoice settles, of its commitment and of what was agreed on before; empty where nothing was. */
  readonly issued: readonly InvoiceDocument[];
}

/**
 * What the commitments of a subscription, if it has any, add to the invoice of a period: for the term of the period, and for earlier terms whose spend
 * the adjustments change, which may be of a plan before, or that a change of the subscription cut short.
 */
export function settlements(
  { account, terms, period, issued }: PeriodToSettle,
  charges: Pick<InvoiceDocument, 'lines' | 'adjustments'>,
): CommitmentSettlement[] {
  const now = { period: { from: formatInstant(period.fromMs) }, ...charges };
  const agreements = account.subscriptions.flatMap((each) =>
    each.id === terms.id && each.commitment !== null ? [{ account, terms: each, commitment: each.commitment }] : [],
  );
  const own = agreements.find((agreed) => agreed.terms === terms);
  const ownTerm = own && termOf(own, period.fromMs);
  const settle = ({ commitment }: Pick<AgreedSubscription, 'commitment'>, term: CommitmentTerm, untilMs: number) => {
    const days = elapsedDays(term, untilMs, account.timezone);
    return settleTerm({ commitment, currency: terms.currency, term, elapsedDays: days, issued, now });
  };
  const adjusted = charges.adjustments.flatMap((adjustment): TermLeft[] => {
    const atMs = parseInstantMs(adjustment.period.from) ?? NaN;
    return agreements.flatMap((agreed) => {
      const term = termAt(agreed, atMs);
      return term === undefined ? [] : [{ commitment: agreed.commitment, term }];
    });
  });
  const others = [...adjusted, ...termsLeft({ account, terms, period }, issued)].filter(
    ({ term }) => term.fromMs !== ownTerm?.fromMs,
  );
  const earlier = new Map(others.map((each) => [each.term.fromMs, each]));
  const changed = [...earlier.values()]
    .map((each) => settle(each, each.term, each.term.toMs))
    .filter(({ lines }) => lines.length > 0);
  return [...(own && ownTerm ? [settle(own, ownTerm, period.toMs)] : []), ...changed];
}
