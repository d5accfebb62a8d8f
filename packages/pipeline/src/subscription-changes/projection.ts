import type { InvoiceDocument } from '@meterline/domain/invoices';
import { billingPeriodAt, billingPeriods } from '@meterline/domain/subscriptions';
import { startOfDateMs } from '@meterline/domain/time';
import { billDue, draftInvoices, type DueNow, parseInvoice, withHistory } from '../invoices/index.ts';
import type { Account, Cut, StageRecord, SubscriptionTerms } from '../ports/index.ts';
import { nextPeriod, periodAt, spanOf } from '../spend/index.ts';
import type { Decided } from './changes.ts';
import { rehearsal, type RehearsalPorts } from './rehearsal.ts';
import { type PlannedStage, stretchesOf } from './stretches.ts';
import { planAndVersion, type PlanTerms, planTerms, renewalFrom, type SubjectPorts } from './subject.ts';

export interface ProjectionPorts extends Pick<SubjectPorts, 'plans'>, RehearsalPorts {}

/** More would not be looked at; years of weeks would take long to rate. */
const INVOICES_MAX = 60;

/** The invoices of one subscription that come next, by what it would be and by what is used so far. Numbers are not given yet. */
export async function projectedInvoices(
  ports: ProjectionPorts,
  decided: Decided,
  account: Account,
  cut: Cut,
  tenant: string,
): Promise<InvoiceDocument[]> {
  const { subject } = decided;
  const { id } = subject.subscription;
  const stretches = account.subscriptions.filter((terms) => terms.id === id);
  const due: DueNow[] = [];
  let next = nextPeriod(stretches, account, subject.billedThroughMs);
  while (next !== undefined && next.period.fromMs < horizonMs(decided) && due.length < INVOICES_MAX) {
    due.push({ account, ...next });
    next = nextPeriod(stretches, account, next.period.toMs);
  }
  const [first, ...later] = await withHistory(ports.invoices, due, tenant);
  if (first === undefined) return [];
  // What was invoiced before is settled with the first one, and by then nothing is left of it for the others.
  const waiting = [first, ...later.map((each) => ({ ...each, recent: [] }))];
  const drafts = await draftInvoices(ports, waiting, { cut, nowMs: subject.nowMs, run: '' }, tenant);
  return drafts.map((draft) => parseInvoice(draft.finish('', null)));
}

/**
 * What runs will bill and give back beside the invoices of periods, up to when the change takes effect and the first interim invoice after it. Those
 * invoices rate the same, and deduct what was billed before.
 */
export async function projectedDocuments(
  ports: ProjectionPorts,
  decided: Decided,
  account: Account,
  cut: Cut,
  tenant: string,
): Promise<InvoiceDocument[]> {
  const { id } = decided.subject.subscription;
  const rehearsed = rehearsal(ports, account, id);
  for (const atMs of runInstants(decided, account)) {
    const at = rehearsed.portsAt(atMs);
    const billedThroughMs = (await at.invoices.billedThrough([id], tenant)).get(id) ?? null;
    const run = { id: '', atMs, tenant, threshold: null };
    await billDue(at, [{ subscription: id, customer: account.key, billedThroughMs }], { run, sealed: async () => cut });
  }
  return rehearsed.documents().filter(({ kind }) => kind !== undefined);
}

/** Now, and whenever something begins or ends that is billed by itself, in order. */
function runInstants({ subject, update, change }: Decided, account: Account): number[] {
  const { nowMs, subscription } = subject;
  // What ends does so within its last day.
  const effectMs = Math.max(update.fromMs, change.fromMs, nowMs);
  const stretches = account.subscriptions.filter(({ id }) => id === subscription.id);
  const throughMs = interimAfter(stretches, account, effectMs) ?? effectMs;
  const begins = stretches.flatMap((terms) => {
    const { every, usageEvery = every, anchor } = terms.cadence;
    const span = spanOf(terms, account);
    const parts = [every, usageEvery].flatMap((each) =>
      billingPeriods({ every: each, anchor }, span, { untilMs: throughMs + 1 }),
    );
    return [...parts.map(({ fromMs }) => fromMs), ...[terms.endsAtMs, terms.untilMs].filter((end) => end !== null)];
  });
  const instants = [...new Set([nowMs, ...begins, effectMs])].filter((ms) => ms >= nowMs && ms <= throughMs);
  return instants.toSorted((a, b) => a - b).slice(0, INVOICES_MAX);
}

/** When the first interim invoice of the period of an instant is due after it, if there is to be one. */
function interimAfter(stretches: readonly SubscriptionTerms[], account: Account, atMs: number): number | undefined {
  for (const terms of stretches) {
    const { usageEvery, anchor } = terms.cadence;
    const period = periodAt(terms, account, atMs);
    if (period === undefined || usageEvery === undefined) continue;
    const part = billingPeriodAt({ every: usageEvery, anchor }, spanOf(terms, account), atMs);
    if (part !== undefined && part.toMs < period.toMs) return part.toMs;
  }
  return undefined;
}

/** The account as it would be with these stages of the subscription. */
export async function accountWith(
  { plans }: Pick<ProjectionPorts, 'plans'>,
  account: Account,
  { update, subject, plans: { from, to } }: Decided,
  tenant: string,
): Promise<Account> {
  const { id, startsAtMs, version } = subject.subscription;
  const versions = new Map(
    [from, to].map((terms) => [planAndVersion({ plan: terms.plan.key, planVersion: terms.version }), terms]),
  );
  const planned: PlannedStage[] = [];
  for (const stage of update.stages) {
    const version = versions.get(planAndVersion(stage)) ?? (await planTerms(plans, stage, tenant));
    versions.set(planAndVersion(stage), version);
    planned.push(plannedStage(stage, version));
  }
  const own = stretchesOf({ id, startsAtMs, version: version + 1, endsAtMs: update.endsAtMs }, planned);
  const at = account.subscriptions.findIndex((terms) => terms.id === id);
  const others = account.subscriptions.filter((terms) => terms.id !== id);
  const place = at === -1 ? others.length : at;
  return { ...account, subscriptions: [...others.slice(0, place), ...own, ...others.slice(place)] };
}

function plannedStage(stage: StageRecord, version: PlanTerms): PlannedStage {
  const { plan, phases, rateCards, priceRevision, features, unusedTime, invoiceThresholds } = version;
  const terms = { phases, rateCards, priceRevision, features, unusedTime, invoiceThresholds };
  return { ...stage, currency: plan.currency, cadence: plan.billingPeriod, ...terms };
}

/** The end of the first whole period after the change, and after it has reverted. */
function horizonMs({ change, day, plans, subject }: Decided): number {
  const { timezone } = subject.customer;
  const cadences = [plans.from.plan.billingPeriod, plans.to.plan.billingPeriod];
  const afterwards = cadences.map((cadence) => renewalFrom(renewalFrom(day, cadence, subject) + 1, cadence, subject));
  return Math.max(...afterwards.map((end) => startOfDateMs(end, timezone)), (change.untilMs ?? 0) + 1);
}
