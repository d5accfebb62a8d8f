import {
  entitlementWindow,
  type GrantedEntitlement,
  limitPools,
  type LimitPool,
  type Standing,
  standingIn,
  type Union,
  unionOf,
} from '@meterline/domain/entitlements';
import { floorMinute } from '@meterline/domain/time';
import type {
  Account,
  AccountReader,
  Cut,
  FeatureRecord,
  FeatureStore,
  MeterRecord,
  MeterStore,
  UsageReader,
} from '../ports/index.ts';
import { periodAt } from '../spend/index.ts';
import { allowedAt } from './allowed-at.ts';
import { meterUsage, type UsageNeed } from '../spend/meter-usage.ts';

export interface EntitlementPorts {
  readonly accounts: Pick<AccountReader, 'accounts'>;
  readonly features: Pick<FeatureStore, 'byKeys' | 'byKey'>;
  readonly meters: Pick<MeterStore, 'byKeys'>;
  readonly usage: UsageReader;
}

/** How a customer stands with one feature. */
export interface FeatureStanding {
  readonly feature: FeatureRecord;
  readonly union: Union;
  /** Of every pool of limits, also of those that do not decide. */
  readonly standings: readonly Standing[];
}

export interface CustomerEntitlements {
  readonly account: Account;
  readonly atMs: number;
  readonly cut: Cut;
  /** By the key of the feature. */
  readonly standings: readonly FeatureStanding[];
}

interface EntitlementsRequest {
  readonly account: Account;
  readonly atMs: number;
}

/** What a customer's subscriptions grant of one feature. */
interface Granted {
  readonly feature: FeatureRecord;
  readonly granted: readonly GrantedEntitlement[];
  readonly pools: readonly LimitPool[];
}

/**
 * What customers may use at an instant, for every request in order, all at one cut (the newest unless given): usage comes from the queries that spend is
 * made of.
 */
export async function entitlementsAt(
  ports: EntitlementPorts,
  requests: readonly EntitlementsRequest[],
  tenant: string,
  atCut?: Cut,
): Promise<CustomerEntitlements[]> {
  const granted = requests.map((request) => Map.groupBy(grantedBy(request), ({ feature }) => feature));
  const keys = [...new Set(granted.flatMap((byFeature) => [...byFeature.keys()]))];
  const features = new Map((await ports.features.byKeys(keys, tenant)).map((feature) => [feature.key, feature]));
  const meterKeys = [...new Set([...features.values()].flatMap(({ meter }) => meter ?? []))];
  const meters = new Map((await ports.meters.byKeys(meterKeys, tenant)).map((meter) => [meter.key, meter]));

  const open = granted.map((byFeature) =>
    [...byFeature].map(([key, grants]): Granted => {
      const all = grants.map(({ grant }) => grant);
      return { feature: known(features, key), granted: all, pools: limitPools(all) };
    }),
  );
  const needs = new Map(
    open.flatMap((each, index) =>
      each.flatMap(({ feature, pools }) =>
        pools.map((pool) => [pool, usageNeed(pool, feature, meters, requests[index]?.account)] as const),
      ),
    ),
  );
  const { usage, cut } = await meterUsage(ports.usage, [...needs.values()], atCut);
  const usedOf = new Map([...needs.keys()].map((pool, index) => [pool, usage[index]?.quantity ?? '0']));

  return requests.map(({ account, atMs }, index) => {
    const standings = (open[index] ?? []).map(({ feature, granted: all, pools }): FeatureStanding => {
      const own = pools.map((pool) => standingIn(pool, usedOf.get(pool) ?? '0'));
      return { feature, union: unionOf(all, own), standings: own };
    });
    return { account, atMs, cut, standings: standings.toSorted((one, other) => (one.feature.key < other.feature.key ? -1 : 1)) };
  });
}

/** Each entitlement of each subscription that is billed at the instant, oldest subscription first. */
function grantedBy({ account, atMs }: EntitlementsRequest): { feature: string; grant: GrantedEntitlement }[] {
  const active = account.subscriptions.filter((terms) => periodAt(terms, account, atMs) !== undefined);
  return active.flatMap((terms) => {
    const { id, plan, planVersion, cadence, startsAtMs } = terms;
    return allowedAt(terms, atMs).map(({ feature, entitlement }) => {
      const period = entitlement.type === 'metered' ? (entitlement.period ?? 'billing_period') : 'billing_period';
      const window = entitlementWindow(period, cadence, { startsAtMs, timezone: account.timezone }, atMs);
      if (window === undefined) throw new Error(`subscription ${id} is billed before its first day`);
      const source = { subscription: id, plan, version: planVersion };
      return { feature, grant: { source, entitlement, window } };
    });
  });
}

function usageNeed(
  { fromMs, toMs }: LimitPool,
  feature: FeatureRecord,
  meters: ReadonlyMap<string, MeterRecord>,
  account: Account | undefined,
): UsageNeed {
  return {
    meter: known(meters, feature.meter ?? ''),
    fromMs: floorMinute(fromMs),
    toMs: floorMinute(toMs),
    timezone: account?.timezone ?? 'UTC',
    subjects: account?.subjects ?? [],
    filter: feature.filter,
    detail: { dimensions: [], perEvent: false },
  };
}

function known<Item>(items: ReadonlyMap<string, Item>, key: string): Item {
  const item = items.get(key);
  if (item === undefined) throw new Error(`a plan names ${key}, which is not there`);
  return item;
}
