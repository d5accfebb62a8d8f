import { civilOf, floorMinute, localDateAt, startOfDateMs } from '@meterline/domain/time';
import { stageAt } from '../catalog/index.ts';
import { entitlementsAt } from '../entitlements/index.ts';
import type { Account, AlertRuleRecord, Cut, UpgradeSnapshot } from '../ports/index.ts';
import { meterUsage, type UsageNeed } from '../spend/meter-usage.ts';
import type { ChangePreview } from '../subscription-changes/index.ts';
import type { UpgradePorts } from './ports.ts';

const RULES_AT_A_TIME = 500;

/** How everything stands before the switch that a preview shows. */
export async function takeSnapshot(ports: UpgradePorts, { decided }: ChangePreview, tenant: string): Promise<UpgradeSnapshot> {
  const { subject, plans } = decided;
  const { subscription, customer, nowMs } = subject;
  const account = await accountOf(ports, customer.key, tenant);
  const cards = [...plans.from.rateCards, ...plans.to.rateCards];
  const meters = [...new Set(cards.flatMap(({ meter }) => meter ?? []))].sort();
  const range = { fromMs: monthStartMs(nowMs, customer.timezone), toMs: floorMinute(nowMs) };
  const { quantities, cut } = await monthUsage(ports, account, { ...range, meters }, tenant);
  const { plan, planVersion, commitment, quantities: subscribed } = stageAt(subscription, nowMs);
  const [entitlements] = await entitlementsAt(ports, [{ account, atMs: nowMs }], tenant, cut);
  return {
    version: subscription.version,
    terms: { plan, planVersion, commitment },
    quantities: subscribed,
    usage: { ...range, cut, quantities },
    features: (entitlements?.standings ?? []).map(({ feature }) => feature.key),
    alertRules: await alertRulesOf(ports, customer.key, tenant),
  };
}

export async function accountOf(
  { accounts }: Pick<UpgradePorts, 'accounts'>,
  customer: string,
  tenant: string,
): Promise<Account> {
  const [account] = await accounts.accounts([customer], tenant);
  if (account === undefined) throw new Error(`customer ${customer} has no account`);
  return account;
}

/** What was counted of each meter in a range, at a cut or the newest one. */
export async function monthUsage(
  ports: UpgradePorts,
  { subjects, timezone }: Account,
  range: { readonly fromMs: number; readonly toMs: number; readonly meters: readonly string[]; readonly cut?: Cut },
  tenant: string,
): Promise<{ readonly quantities: Record<string, string>; readonly cut: Cut }> {
  const { fromMs, toMs, cut: asked } = range;
  const meters = await ports.meters.byKeys(range.meters, tenant);
  const detail = { dimensions: [], perEvent: false };
  const needs = meters.map((meter): UsageNeed => ({ meter, fromMs, toMs, timezone, subjects, filter: {}, detail }));
  const { usage, cut } = await meterUsage(ports.usage, needs, asked);
  const quantities = Object.fromEntries(meters.map(({ key }, index) => [key, usage[index]?.quantity ?? '0']));
  return { quantities, cut };
}

/** Live rules that look at the customer by its key: thresholds, by the key of the rule. */
export async function alertRulesOf(
  { rules }: Pick<UpgradePorts, 'rules'>,
  customer: string,
  tenant: string,
): Promise<Record<string, readonly string[]>> {
  const own: AlertRuleRecord[] = [];
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof rules.page>> = await rules.page({ after, limit: RULES_AT_A_TIME }, tenant);
    own.push(...page.items.filter((rule) => rule.customer === customer && rule.archivedAtMs === null));
    after = page.nextAfter;
  } while (after !== null);
  return Object.fromEntries(own.map(({ key, thresholds }) => [key, thresholds]));
}

function monthStartMs(nowMs: number, timezone: string): number {
  const today = localDateAt(nowMs, timezone);
  return startOfDateMs(today - civilOf(today).day + 1, timezone);
}
