import type { BalanceStore, EntitlementOccurrence, TenantClock, WakeupStore } from '../ports/index.ts';
import { nextChangeMs } from './changes.ts';
import { keptText } from './check.ts';
import { entitlementsAt, type EntitlementPorts } from './entitlements-at.ts';
import { reachedOccurrences } from './occurrence.ts';

export interface RefreshPorts extends EntitlementPorts {
  readonly wakeups: Pick<WakeupStore, 'entitled'>;
  readonly balances: BalanceStore;
  readonly clock: TenantClock;
}

/** A row handled this soon after a period turned may tell of the last usage of the ended one. Later nobody is helped by a warning about it. */
const ENDED_MS = 3_600_000;
const CUSTOMERS_AT_A_TIME_MAX = 500;

/** Works out again what customers may use, for checks to find, and answers the levels that their usage has reached, told before or not. */
export async function refreshEntitlements(
  ports: RefreshPorts,
  touched: { readonly subjects: readonly string[]; readonly customers: readonly string[] },
  tenant: string,
): Promise<EntitlementOccurrence[]> {
  const customers = await ports.wakeups.entitled(touched.subjects, touched.customers, tenant);
  const reached: EntitlementOccurrence[] = [];
  for (let from = 0; from < customers.length; from += CUSTOMERS_AT_A_TIME_MAX) {
    reached.push(...(await refreshSome(ports, customers.slice(from, from + CUSTOMERS_AT_A_TIME_MAX), tenant)));
  }
  return reached;
}

async function refreshSome(ports: RefreshPorts, customers: readonly string[], tenant: string): Promise<EntitlementOccurrence[]> {
  const { found } = await ports.balances.keep(
    async () => {
      const nowMs = await ports.clock.nowMs(tenant);
      const accounts = await ports.accounts.accounts(customers, tenant);
      const ended = accounts.flatMap((account) => {
        const turnedMs = nextChangeMs(account, nowMs - ENDED_MS);
        return turnedMs <= nowMs ? [{ account, atMs: turnedMs - 1 }] : [];
      });
      const requests = [...accounts.map((account) => ({ account, atMs: nowMs })), ...ended];
      const all = await entitlementsAt(ports, requests, tenant);
      return {
        found: all.flatMap((each) => reachedOccurrences(each, nowMs, tenant)),
        entries: new Map(all.slice(0, accounts.length).map((each) => [each.account.key, keptText(each)])),
      };
    },
    customers,
    tenant,
  );
  return found;
}
