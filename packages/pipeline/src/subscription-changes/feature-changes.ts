import { type FeatureDifference, featureDifferences } from '@meterline/domain/entitlements';
import { entitlementsAt, type EntitlementPorts } from '../entitlements/index.ts';
import type { Account, Cut } from '../ports/index.ts';
import { periodAt } from '../spend/index.ts';

/** A customer's account as it is, and as it would be with the change. */
export interface AccountChange {
  readonly before: Account;
  readonly after: Account;
  /** When the change takes effect. */
  readonly fromMs: number;
}

/**
 * What a change does to the features of a customer, by all its subscriptions. Both states are judged as if they held now, so that what will be allowed is
 * seen against what is used already.
 */
export async function featureChanges(
  ports: EntitlementPorts,
  { before, after, fromMs }: AccountChange,
  { cut, nowMs }: { readonly cut: Cut; readonly nowMs: number },
  tenant: string,
): Promise<FeatureDifference[]> {
  const requests = [before, after].map((account) => ({ account: heldNow(account, Math.max(fromMs, nowMs), nowMs), atMs: nowMs }));
  const [was, is] = await entitlementsAt(ports, requests, tenant, cut);
  return featureDifferences(was?.standings ?? [], is?.standings ?? []);
}

/** Only what an account is subscribed to at an instant, in periods counted from the anchors. */
function heldNow(account: Account, atMs: number, nowMs: number): Account {
  const held = account.subscriptions.filter((terms) => periodAt(terms, account, atMs) !== undefined);
  return {
    ...account,
    subscriptions: held.map((terms) => ({
      ...terms,
      startsAtMs: Math.min(terms.anchorMs, nowMs),
      quantities: terms.quantities.filter(({ fromMs }) => fromMs <= atMs).map(({ of }) => ({ fromMs: 0, of })),
      untilMs: null,
      endsAtMs: null,
    })),
  };
}
