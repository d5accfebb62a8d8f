import type { Commitment, CommitmentTerm } from '@meterline/domain/commitments';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import type { BillingPeriod } from '@meterline/domain/subscriptions';
import { parseInstantMs } from '@meterline/domain/time';
import { termAt } from '../commitments/index.ts';
import type { Account, SubscriptionTerms } from '../ports/index.ts';

interface Due {
  readonly account: Account;
  readonly terms: SubscriptionTerms;
  readonly period: Pick<BillingPeriod, 'fromMs'>;
}

/** A term of a commitment that other terms of the subscription took the place of. */
export interface TermLeft {
  readonly commitment: Commitment;
  readonly term: CommitmentTerm;
}

/** Whether a period is the first one under its terms, after the subscription was changed. */
export function isFirstSinceChange({ terms, period }: Due): boolean {
  return terms.subscriptionVersion > 1 && period.fromMs === terms.startsAtMs;
}

/** From when on the documents of the subscription say what its terms before this period came to. */
export function leftSinceMs(due: Due): number {
  const before = stretchBefore(due);
  return before === undefined ? 0 : (lastTermOf(before, due)?.term.fromMs ?? endOf(before));
}

/**
 * The terms of commitments that nothing else settles: the one that the stretch before this period ended in, which may be invoiced up to its end as if it
 * went on, and those that were billed in advance and then had no day at all.
 */
export function termsLeft(due: Due, issued: readonly InvoiceDocument[]): TermLeft[] {
  if (!isFirstSinceChange(due)) return [];
  const before = stretchBefore(due);
  const last = before && lastTermOf(before, due);
  return [...(last ? [last] : []), ...neverBegun(due, issued, before === undefined ? 0 : endOf(before))];
}

/** They are stated by what billed them, and are for no days. */
function neverBegun({ account, terms, period }: Due, issued: readonly InvoiceDocument[], sinceMs: number): TermLeft[] {
  const isAgreed = (atMs: number) =>
    account.subscriptions.some((each) => {
      if (each.id !== terms.id || each.commitment === null) return false;
      return termAt({ account, terms: each, commitment: each.commitment }, atMs)?.fromMs === atMs;
    });
  const stated = issued.flatMap(({ commitments = [] }) =>
    commitments.map(({ commitment, term }) => ({ commitment, term, fromMs: parseInstantMs(term.from) ?? NaN })),
  );
  const left = stated.filter(({ fromMs }) => fromMs >= sinceMs && fromMs <= period.fromMs && !isAgreed(fromMs));
  return [...new Map(left.map((each) => [each.fromMs, each])).values()].map(({ commitment, fromMs, term: { daysInTerm } }) => ({
    commitment,
    term: { fromMs, toMs: fromMs, days: 0, daysInTerm },
  }));
}

function stretchBefore({ account, terms }: Due): SubscriptionTerms | undefined {
  const own = account.subscriptions.filter(({ id }) => id === terms.id);
  return own[own.indexOf(terms) - 1];
}

function lastTermOf(terms: SubscriptionTerms, { account }: Due): TermLeft | undefined {
  const { commitment } = terms;
  const term = commitment === null ? undefined : termAt({ account, terms, commitment }, endOf(terms) - 1);
  return commitment !== null && term !== undefined ? { commitment, term } : undefined;
}

function endOf({ untilMs, endsAtMs }: SubscriptionTerms): number {
  return Math.min(untilMs ?? Infinity, endsAtMs ?? Infinity);
}
