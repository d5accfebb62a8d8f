import type { Account, AccountReader, BillingCandidate, SubscriptionTerms } from '../ports/index.ts';

/** A candidate with everything that its charges depend on. */
export interface BilledSubscription extends Pick<BillingCandidate, 'subscription' | 'billedThroughMs'> {
  readonly account: Account;
  /** Its terms, which follow on each other. */
  readonly stretches: readonly SubscriptionTerms[];
}

/** A subscription while it is under one plan version. */
export interface BilledStretch {
  readonly account: Account;
  readonly terms: SubscriptionTerms;
}

export const eachStretch = ({ account, stretches }: Pick<BilledSubscription, 'account' | 'stretches'>): BilledStretch[] =>
  stretches.map((terms) => ({ account, terms }));

export async function billedSubscriptions(
  { accounts: reader }: { readonly accounts: AccountReader },
  candidates: readonly BillingCandidate[],
  tenant: string,
): Promise<BilledSubscription[]> {
  const customers = [...new Set(candidates.map((candidate) => candidate.customer))];
  const accounts = new Map((await reader.accounts(customers, tenant)).map((account) => [account.key, account]));
  return candidates.flatMap(({ customer, subscription, billedThroughMs }) => {
    const account = accounts.get(customer);
    const stretches = account?.subscriptions.filter((each) => each.id === subscription) ?? [];
    return account === undefined ? [] : [{ account, subscription, stretches, billedThroughMs }];
  });
}

/** The same as they stand now. */
export function readAgain(
  ports: { readonly accounts: AccountReader },
  subscriptions: readonly BilledSubscription[],
  tenant: string,
): Promise<BilledSubscription[]> {
  const candidates = subscriptions.map(({ account, ...candidate }) => ({ ...candidate, customer: account.key }));
  return billedSubscriptions(ports, candidates, tenant);
}
