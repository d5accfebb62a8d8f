import { type Commitment, type CommitmentTerm, commitmentTermAt } from '@meterline/domain/commitments';
import { localDaysBetween } from '@meterline/domain/time';
import type { Account, SubscriptionTerms } from '../ports/index.ts';
import { spanOf } from '../spend/span.ts';

/** Terms of a subscription with a commitment, and the zone its days are counted in. */
export interface AgreedSubscription {
  readonly account: Pick<Account, 'timezone'>;
  readonly terms: SubscriptionTerms;
  readonly commitment: Commitment;
}

/** The term of the commitment that an instant lies in; undefined outside the terms. */
export function termAt({ account, terms, commitment }: AgreedSubscription, atMs: number): CommitmentTerm | undefined {
  return commitmentTermAt(commitment, terms.cadence, spanOf(terms, account), atMs);
}

/** The same for an instant that must lie within the subscription. */
export function termOf(agreed: AgreedSubscription, atMs: number): CommitmentTerm {
  const term = termAt(agreed, atMs);
  if (term === undefined) throw new Error(`subscription ${agreed.terms.id} has no term at ${atMs}`);
  return term;
}

/** Local days from the beginning of a term to the end of a billing period in it. */
export function elapsedDays(term: CommitmentTerm, periodToMs: number, timezone: string): number {
  return localDaysBetween(term.fromMs, Math.min(periodToMs, term.toMs), timezone);
}
