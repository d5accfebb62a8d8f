import type { InvoiceDocument } from '@meterline/domain/invoices';
import { decimal, ZERO } from '@meterline/domain/money';
import type { Grant } from '@meterline/domain/prepaid';
import { startOfDateMs } from '@meterline/domain/time';
import {
  draftCreditNotes,
  draftDueFees,
  draftInvoices,
  type DueNow,
  type FeeDraftPorts,
  parseInvoice,
  withHistory,
} from '../invoices/index.ts';
import type { Account, Cut, InvoiceDraft, StageRecord } from '../ports/index.ts';
import { nextPeriod } from '../spend/index.ts';
import type { Decided } from './changes.ts';
import { stretchesOf } from './stretches.ts';
import { planTerms, renewalFrom, type SubjectPorts } from './subject.ts';

export interface ProjectionPorts extends Pick<SubjectPorts, 'plans'>, FeeDraftPorts {}

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
 * What is billed in advance, and given back of what was, as soon as the change takes effect. The invoices of the periods have the same fees in their lines,
 * and deduct what was billed before.
 */
export async function projectedDocuments(
  ports: ProjectionPorts,
  { subject, update }: Decided,
  account: Account,
  tenant: string,
): Promise<InvoiceDocument[]> {
  const { subscription, billedThroughMs, nowMs } = subject;
  const stretches = account.subscriptions.filter((terms) => terms.id === subscription.id);
  const billed = { account, subscription: subscription.id, stretches, billedThroughMs };
  const run = { id: '', atMs: Math.max(update.fromMs, nowMs), tenant };
  const notes: InvoiceDraft[] = [];
  for await (const note of draftCreditNotes(ports, billed, run)) notes.push(note);
  const grants = notes.flatMap(({ creditNote }) => creditNote?.grant ?? []);
  const fees = await draftDueFees({ ...ports, accounts: givenAlso(ports.accounts, grants, account.key) }, [billed], run);
  return [...notes, ...fees].map((draft) => parseInvoice(draft.finish('', null)));
}

/** The accounts as they will be once a customer has these grants too. */
function givenAlso(
  accounts: ProjectionPorts['accounts'],
  grants: readonly Grant[],
  customer: string,
): ProjectionPorts['accounts'] {
  if (grants.length === 0) return accounts;
  const given = grants.map((grant) => ({ grant, balance: decimal(grant.amount), expired: ZERO, carried: ZERO, voided: false }));
  return {
    ...accounts,
    async prepaid(customers, tenant) {
      const states = await accounts.prepaid(customers, tenant);
      const own = states.find((state) => state.customer === customer) ?? {
        ...{ customer, position: 0, order: 'priority', balances: [], billedThroughMs: new Map() },
      };
      return [...states.filter((state) => state !== own), { ...own, balances: [...own.balances, ...given] }];
    },
  };
}

/** The account as it would be with these stages of the subscription. */
export async function accountWith(
  { plans }: Pick<ProjectionPorts, 'plans'>,
  account: Account,
  { update, subject }: Decided,
  tenant: string,
): Promise<Account> {
  const { id, startsAtMs, version } = subject.subscription;
  const planned = await Promise.all(update.stages.map((stage) => plannedStage(plans, stage, tenant)));
  const own = stretchesOf({ id, startsAtMs, version, endsAtMs: update.endsAtMs }, planned);
  const at = account.subscriptions.findIndex((terms) => terms.id === id);
  const others = account.subscriptions.filter((terms) => terms.id !== id);
  const place = at === -1 ? others.length : at;
  return { ...account, subscriptions: [...others.slice(0, place), ...own, ...others.slice(place)] };
}

async function plannedStage(plans: ProjectionPorts['plans'], stage: StageRecord, tenant: string) {
  const { plan, phases, rateCards, priceRevision, features, unusedTime, invoiceThresholds } = await planTerms(
    plans,
    stage,
    tenant,
  );
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
