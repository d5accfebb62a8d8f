import { customerUnknown, featureUnknown } from '../catalog/index.ts';
import type { BalanceStore, TenantClock } from '../ports/index.ts';
import { answerOf, type EntitlementAnswer, type EntitlementsAnswer, notEntitled } from './answer.ts';
import { nextChangeMs } from './changes.ts';
import { type CustomerEntitlements, entitlementsAt, type EntitlementPorts } from './entitlements-at.ts';

export interface EntitlementCheckPorts extends EntitlementPorts {
  readonly balances: BalanceStore;
  readonly clock: TenantClock;
}

export interface EntitlementChecks {
  /** Everything the customer is entitled to, by feature. Fails with `customer.unknown`. */
  all(customer: string, tenant: string): Promise<EntitlementsAnswer>;
  /** Fails with `customer.unknown`, `feature.unknown`. */
  one(customer: string, feature: string, tenant: string): Promise<EntitlementAnswer & Omit<EntitlementsAnswer, 'items'>>;
}

/** What is kept of a customer, and for how long it holds if nothing happens. */
interface Kept {
  /** Exclusive; null = for ever. */
  readonly untilMs: number | null;
  readonly answer: EntitlementsAnswer;
}

export function keptText(entitlements: CustomerEntitlements): string {
  const { account, atMs } = entitlements;
  const nextMs = nextChangeMs(account, atMs);
  const kept: Kept = { untilMs: nextMs === Infinity ? null : nextMs, answer: answerOf(entitlements) };
  return JSON.stringify(kept);
}

/** Answers from what is kept; where nothing is, or its time is over, from the stores, and keeps that. */
export function entitlementChecks(ports: EntitlementCheckPorts): EntitlementChecks {
  const { balances, clock } = ports;
  const underWay = new Map<string, Promise<EntitlementsAnswer>>();

  async function all(customer: string, tenant: string): Promise<EntitlementsAnswer> {
    const text = await balances.read(customer, tenant);
    const kept = text === undefined ? undefined : (JSON.parse(text) as Kept);
    if (kept !== undefined && (await clock.nowMs(tenant)) < (kept.untilMs ?? Infinity)) return kept.answer;
    // Whoever asks meanwhile gets the same answer: a customer that many ask about costs one look into the stores.
    const key = JSON.stringify([tenant, customer]);
    const answer = underWay.get(key) ?? fromStores(customer, tenant).finally(() => underWay.delete(key));
    underWay.set(key, answer);
    return answer;
  }

  async function fromStores(customer: string, tenant: string): Promise<EntitlementsAnswer> {
    const { found } = await balances.keep(
      async () => {
        const [account] = await ports.accounts.accounts([customer], tenant);
        if (account === undefined) throw customerUnknown(customer);
        const [entitlements] = await entitlementsAt(ports, [{ account, atMs: await clock.nowMs(tenant) }], tenant);
        if (entitlements === undefined) throw new Error(`no answer for customer ${customer}`);
        return { found: entitlements, entries: new Map([[customer, keptText(entitlements)]]) };
      },
      [customer],
      tenant,
    );
    return answerOf(found);
  }

  return {
    all,
    async one(customer, key, tenant) {
      const { items, ...answered } = await all(customer, tenant);
      const item = items.find(({ feature }) => feature === key);
      if (item !== undefined) return { ...answered, ...item };
      const feature = await ports.features.byKey(key, tenant);
      if (feature === undefined) throw featureUnknown(key);
      return { ...answered, ...notEntitled(feature) };
    },
  };
}
