import { type AlertLevel, alertLevels, type AlertRule, crossedThresholds } from '@meterline/domain/alerts';
import { decimal } from '@meterline/domain/money';
import { totalOf } from '@meterline/domain/invoices';
import type { BillingPeriod } from '@meterline/domain/subscriptions';
import type {
  Account,
  AlertOccurrence,
  Occurrence,
  SubscriptionTerms,
  Wakeup,
  WakeupStore,
  WatchedCustomer,
} from '../ports/index.ts';
import { startRunsAtThresholds, type ThresholdPorts } from '../invoices/index.ts';
import { refreshEntitlements, type RefreshPorts } from '../entitlements/index.ts';
import { periodAt, type RatingPorts, spendAt, type CustomerSpend } from '../spend/index.ts';
import { amountText, occurrenceId } from './occurrence.ts';

export interface AlertPorts extends RatingPorts, Omit<RefreshPorts, 'accounts'>, Pick<ThresholdPorts, 'jobs'> {
  readonly wakeups: WakeupStore;
  readonly invoices: ThresholdPorts['invoices'];
}

/** Usage can be accepted this long after it happened (35 days by default), so an older period can no longer change. */
const ENDED_PERIODS_MS = 40 * 86_400_000;
const CUSTOMERS_AT_A_TIME_MAX = 500;

/**
 * Looks at whoever the rows of one tenant name, keeps anew what they may use, fires what was crossed, has invoiced what reached a threshold of its plan
 * and forgets the rows. Answers the
 * occurrences that are new.
 *
 * Killed anywhere, it neither misses nor doubles:
 * - A row becomes visible together with the usage (or rule, or subscription) it tells about, so the evaluation after reading it sees
 *   at least that. Whatever is committed later comes with a row of its own, which is not among the ones forgotten here.
 * - Up to `conclude` nothing is written but balances, which are a cache, and runs at invoice thresholds, which start once. Killed before it, the rows
 *   are still there and are evaluated again.
 * - `conclude` is one transaction: occurrences, their webhook messages and the end of the rows exist all or not at all.
 * - Two workers over the same rows come to the same occurrences; the unique key lets one of them insert each, and only that one sends
 *   the message. Forgetting a row that is gone changes nothing.
 */
export async function evaluateWakeups(ports: AlertPorts, tenant: string, wakeups: readonly Wakeup[]): Promise<Occurrence[]> {
  const subjects = [...new Set(wakeups.flatMap((wakeup) => wakeup.subjects))];
  const customers = [...new Set(wakeups.flatMap((wakeup) => wakeup.customers))];
  // First, as a hard limit waits for it.
  const occurrences: Occurrence[] = await refreshEntitlements(ports, { subjects, customers }, tenant);
  const watched = await ports.wakeups.watched(subjects, customers, tenant);
  for (let from = 0; from < watched.length; from += CUSTOMERS_AT_A_TIME_MAX) {
    occurrences.push(...(await crossedLevels(ports, watched.slice(from, from + CUSTOMERS_AT_A_TIME_MAX), tenant)));
  }
  await startRunsAtThresholds(ports, { subjects, customers }, tenant);
  return ports.wakeups.conclude(
    occurrences,
    wakeups.map((wakeup) => wakeup.id),
    tenant,
  );
}

/** One rule over one billing period of one customer, with the levels that have not fired in it. */
interface Watch {
  readonly account: Account;
  readonly rule: AlertRule;
  /** An instant within the period. */
  readonly atMs: number;
  readonly period: BillingPeriod;
  readonly levels: readonly AlertLevel[];
}

async function crossedLevels(ports: AlertPorts, watched: readonly WatchedCustomer[], tenant: string): Promise<AlertOccurrence[]> {
  const nowMs = await ports.clock.nowMs(tenant);
  const watches = await openWatches(ports, watched, nowMs, tenant);
  const requests = [
    ...new Map(watches.map(({ account, atMs }) => [JSON.stringify([account.key, atMs]), { account, atMs }])).values(),
  ];
  if (requests.length === 0) return [];
  const spends = await spendAt(ports, requests, tenant);
  const spendOf = new Map(spends.map((spend) => [JSON.stringify([spend.customer, spend.asOf.atMs]), spend]));

  return watches.flatMap(({ account, rule, atMs, period, levels }) => {
    const spend = spendOf.get(JSON.stringify([account.key, atMs]));
    if (spend === undefined) return [];
    const total = watchedTotal(spend, rule);
    return crossedThresholds(levels, decimal(total)).map(({ threshold, amount }): AlertOccurrence => {
      const level = { rule: rule.key, customer: account.key, periodFromMs: period.fromMs, threshold };
      return {
        id: occurrenceId(level, tenant),
        ...level,
        periodToMs: period.toMs,
        thresholdAmount: amountText(amount, spend.currency),
        budget: rule.budget,
        spend: total,
        currency: spend.currency,
        cut: spend.asOf.cut,
        triggeredAtMs: nowMs,
      };
    });
  });
}

/** Rules and periods with a level left to fire: whoever is beyond all levels costs no usage query. */
async function openWatches(
  ports: AlertPorts,
  watched: readonly WatchedCustomer[],
  nowMs: number,
  tenant: string,
): Promise<Watch[]> {
  const customers = watched.map((watch) => watch.customer);
  const accounts = new Map((await ports.accounts.accounts(customers, tenant)).map((account) => [account.key, account]));
  const subscriptions = [...accounts.values()].flatMap((account) => account.subscriptions.map((terms) => terms.id));
  const billedThrough = await ports.invoices.billedThrough(subscriptions, tenant);
  const rules = [...new Set(watched.flatMap((watch) => watch.rules.map((rule) => rule.key)))];
  const fired = await ports.wakeups.fired(rules, customers, nowMs - ENDED_PERIODS_MS, tenant);
  const firedIds = new Set(fired.map((level) => occurrenceId(level, tenant)));

  const watches = new Map<string, Watch>();
  for (const { customer, rules } of watched) {
    const account = accounts.get(customer);
    if (account === undefined) continue;
    for (const rule of rules) {
      const scope = account.subscriptions.filter((terms) => rule.plan === null || terms.plan === rule.plan);
      const instants = new Set([
        nowMs,
        ...scope.flatMap((terms) => endsOfUnbilledPeriods(terms, account, billedThrough.get(terms.id), nowMs)),
      ]);
      for (const atMs of instants) {
        const period = firstDefined(scope.map((terms) => periodAt(terms, account, atMs)));
        // A rule says nothing about what was over when it was made.
        if (period === undefined || period.toMs <= rule.createdAtMs) continue;
        const level = (threshold: string) => ({ rule: rule.key, customer, periodFromMs: period.fromMs, threshold });
        const levels = alertLevels(rule).filter(({ threshold }) => !firedIds.has(occurrenceId(level(threshold), tenant)));
        if (levels.length > 0) watches.set(JSON.stringify([customer, rule.key, atMs]), { account, rule, atMs, period, levels });
      }
    }
  }
  return [...watches.values()];
}

/**
 * The last instant of each ended period without an invoice. A row handled after a period turned may tell of usage of the ended one:
 * looking as of its last instant fires what it would have fired in time.
 */
function endsOfUnbilledPeriods(
  terms: SubscriptionTerms,
  account: Account,
  billedThroughMs: number | undefined,
  nowMs: number,
): number[] {
  const ends: number[] = [];
  const fromMs = Math.max(terms.startsAtMs, billedThroughMs ?? 0, nowMs - ENDED_PERIODS_MS);
  for (
    let period = periodAt(terms, account, fromMs);
    period !== undefined && period.toMs <= nowMs;
    period = periodAt(terms, account, period.toMs)
  ) {
    ends.push(period.toMs - 1);
  }
  return ends;
}

function watchedTotal(spend: CustomerSpend, rule: AlertRule): string {
  if (rule.plan === null) return spend.total;
  const subscriptions = spend.subscriptions.filter((subscription) => subscription.plan === rule.plan);
  return totalOf(
    subscriptions.map(({ total }) => ({ amount: total })),
    spend.currency,
  );
}

function firstDefined<T>(items: readonly (T | undefined)[]): T | undefined {
  return items.find((item) => item !== undefined);
}
