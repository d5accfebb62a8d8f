import type { Account, AccountReader, BillingCandidate, SubscriptionTerms } from '../ports/index.ts';

/** A candidate with everything that its charges depend on. */
export interface BilledSubscription extends Pick<BillingCandidate, 'billedThroughMs'> {
  readonly account: Account;
  readonly terms: SubscriptionTerms;
}

export async function billedSubscriptions(
  { accounts: reader }: { readonly accounts: AccountReader },
  candidates: readonly BillingCandidate[],
  tenant: string,
): Promise<BilledSubscription[]> {
  const customers = [...new Set(candidates.map((candidate) => candidate.customer))];
  const accounts = new Map((await reader.accounts(customers, tenant)).map((account) => [account.key, account]));
  return candidates.flatMap(({ customer, subscription, billedThroughMs }) => {
    const account = accounts.get(customer);
    const terms = account?.subscriptions.find((each) => each.id === subscription);
    return account === undefined || terms === undefined ? [] : [{ account, terms, billedThroughMs }];
  });
}

/** The same as they stand now. */
export function readAgain(
  ports: { readonly accounts: AccountReader },
  subscriptions: readonly BilledSubscription[],
  tenant: string,
): Promise<BilledSubscription[]> {
  const candidate = ({ account, terms, billedThroughMs }: BilledSubscription) => ({
    subscription: terms.id,
    customer: account.key,
    billedThroughMs,
  });
  return billedSubscriptions(ports, subscriptions.map(candidate), tenant);
}
