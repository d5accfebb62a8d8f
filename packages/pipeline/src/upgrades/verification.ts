import { stageAt } from '../catalog/index.ts';
import { entitlementsAt } from '../entitlements/index.ts';
import type { Account, UpgradeCheck, UpgradeRecord, UpgradeSnapshot } from '../ports/index.ts';
import { spendOf } from '../spend/index.ts';
import { planAndVersion } from '../subscription-changes/index.ts';
import type { UpgradePorts } from './ports.ts';
import { accountOf, alertRulesOf, monthUsage } from './snapshot.ts';

/** What a check looks at: the customer and its subscription, after the switch. */
interface Switched {
  readonly upgrade: UpgradeRecord;
  readonly account: Account;
  readonly nowMs: number;
  /** Plan and version that the subscription was switched to. */
  readonly to: { readonly plan: string; readonly planVersion: number };
}

/** Answers what was found, or fails with why the check is not passed. */
type Check = (ports: UpgradePorts, switched: Switched, tenant: string) => Promise<string>;

/** Whether everything answers under the new plan, and nothing of the customer is lost. A dependency that does not answer fails its check. */
export async function verifyUpgrade(ports: UpgradePorts, upgrade: UpgradeRecord, tenant: string): Promise<UpgradeCheck[]> {
  const subscription = await ports.subscriptions.byId(upgrade.subscription, tenant);
  if (subscription === undefined) throw new Error(`subscription ${upgrade.subscription} is gone`);
  const nowMs = await ports.clock.nowMs(tenant);
  const account = await accountOf(ports, subscription.customer, tenant);
  const switched = { upgrade, account, nowMs, to: stageAt(subscription, nowMs) };
  const checks: UpgradeCheck[] = [];
  for (const [check, find] of Object.entries(CHECKS)) checks.push(await concluded(check, () => find(ports, switched, tenant)));
  return checks;
}

const CHECKS: Readonly<Record<string, Check>> = { ingest, usage, spend, entitlements, alerts };

/** A check that fails is tried again: an engine may just have been away. */
const ATTEMPTS = 3;

async function concluded(check: string, find: () => Promise<string>): Promise<UpgradeCheck> {
  let message = '';
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      return { check, passed: true, message: await find() };
    } catch (error) {
      message = error instanceof Error ? error.message : String(error);
    }
  }
  return { check, passed: false, message };
}

/** The log answers, and takes the events of every meter that the plan charges. */
async function ingest({ log, meters, plans }: UpgradePorts, { to }: Switched, tenant: string): Promise<string> {
  for (let partition = 0; partition < log.partitionCount; partition += 1) await log.bounds(partition);
  const version = await plans.version(to.plan, to.planVersion, tenant);
  const keys = [...new Set((version?.rateCards ?? []).flatMap(({ meter }) => meter ?? []))];
  const live = (await meters.byKeys(keys, tenant)).filter(({ archivedAtMs }) => archivedAtMs === null);
  const missing = keys.filter((key) => !live.some((meter) => meter.key === key));
  if (missing.length > 0) throw new Error(`no live meter ${missing.join(', ')}`);
  return `${log.partitionCount} partitions take events; ${keys.length} meters count for the plan`;
}

/** What was counted before the switch is what is counted of that time now. */
async function usage(ports: UpgradePorts, { upgrade, account }: Switched, tenant: string): Promise<string> {
  const { quantities: before, ...range } = upgrade.snapshot.usage;
  const { quantities } = await monthUsage(ports, account, { ...range, meters: Object.keys(before) }, tenant);
  const lost = Object.entries(before).filter(([meter, quantity]) => quantities[meter] !== quantity);
  if (lost.length > 0)
    throw new Error(lost.map(([meter, was]) => `${meter}: ${was} before, ${quantities[meter] ?? 'none'} now`).join('; '));
  return `${Object.keys(before).length} meters tell what they told before`;
}

async function spend(ports: UpgradePorts, { upgrade, account, nowMs, to }: Switched, tenant: string): Promise<string> {
  const { subscriptions, currency } = await spendOf(ports, account.key, nowMs, tenant);
  const own = subscriptions.find(({ id }) => id === upgrade.subscription);
  if (own?.plan !== to.plan || own.planVersion !== to.planVersion) throw new Error(`spend is not told by ${planAndVersion(to)}`);
  return `${own.total} ${currency} so far by ${planAndVersion(to)}`;
}

async function entitlements(ports: UpgradePorts, { account, nowMs, to }: Switched, tenant: string): Promise<string> {
  const [answered] = await entitlementsAt(ports, [{ account, atMs: nowMs }], tenant);
  const allowed = new Set((answered?.standings ?? []).map(({ feature }) => feature.key));
  const version = await ports.plans.version(to.plan, to.planVersion, tenant);
  const planned = (version?.features ?? []).filter(({ addOn }) => addOn === undefined).map(({ feature }) => feature);
  const missing = planned.filter((feature) => !allowed.has(feature));
  if (missing.length > 0) throw new Error(`the plan allows ${missing.join(', ')}, and the customer has it not`);
  return `${allowed.size} features by ${planAndVersion(to)}`;
}

async function alerts(ports: UpgradePorts, { upgrade, account }: Switched, tenant: string): Promise<string> {
  const before: UpgradeSnapshot['alertRules'] = upgrade.snapshot.alertRules;
  const now = await alertRulesOf(ports, account.key, tenant);
  const lost = Object.keys(before).filter((key) => JSON.stringify(before[key]) !== JSON.stringify(now[key]));
  if (lost.length > 0) throw new Error(`alert rules are not as before: ${lost.join(', ')}`);
  return `${Object.keys(now).length} alert rules look at the customer`;
}
