import type { FeatureDifference } from '@meterline/domain/entitlements';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import { countingCard, type TermsDifference, termsDifference, unitsCounted } from '@meterline/domain/plan-fit';
import type { RateCard } from '@meterline/domain/prices';
import { parseInstantMs, startOfDateMs } from '@meterline/domain/time';
import { stageAt } from '../catalog/index.ts';
import type { EntitlementPorts } from '../entitlements/index.ts';
import { type PlanFitPorts, planFitOf } from '../plan-fit/index.ts';
import type { Account, Cut, StageRecord } from '../ports/index.ts';
import { cardsAt, nextPeriod, periodToRate, ratePeriods } from '../spend/index.ts';
import { type ChangePorts, decideChange, type Decided } from './changes.ts';
import { featureChanges } from './feature-changes.ts';
import { accountWith, projectedDocuments, projectedInvoices, type ProjectionPorts } from './projection.ts';
import type { ChangeRequest } from './request.ts';
import { pricedIn } from './stretches.ts';
import { planTerms } from './subject.ts';
import { tokenOf } from './token.ts';

export type PreviewPorts = ChangePorts & PlanFitPorts & EntitlementPorts & ProjectionPorts;

/** What a change would do, seen at one cut. Nothing is made. */
export interface ChangePreview {
  readonly decided: Decided;
  readonly token: string;
  readonly cut: Cut;
  /** What is billed in advance, and given back, when the change takes effect; it is part of the invoices below. */
  readonly documents: readonly InvoiceDocument[];
  /** Their days are over, so they are due as soon as the change is made. */
  readonly now: readonly InvoiceDocument[];
  readonly next: readonly InvoiceDocument[];
  /** What would be invoiced over the same time without the change. */
  readonly without: readonly InvoiceDocument[];
  readonly difference: TermsDifference;
  readonly features: readonly FeatureDifference[];
  readonly lastMonths: LastMonths | null;
}

/** What the last whole months would have cost. */
export interface LastMonths {
  readonly months: readonly {
    readonly fromMs: number;
    readonly toMs: number;
    readonly before: string | null;
    readonly after: string;
  }[];
  readonly before: string | null;
  readonly after: string;
}

const MONTHS = 3;

export async function previewChange(
  ports: PreviewPorts,
  id: string,
  request: ChangeRequest,
  tenant: string,
): Promise<ChangePreview> {
  const decided = await decideChange(ports, id, request, tenant);
  const { subject } = decided;
  const { nowMs } = subject;
  const [account] = await ports.accounts.accounts([subject.customer.key], tenant);
  if (account === undefined) throw new Error(`customer ${subject.customer.key} has no account`);
  const { cut } = await ports.usage.usageAll([]);
  const changed = await accountWith(ports, account, decided, tenant);
  const invoices = await projectedInvoices(ports, decided, changed, cut, tenant);
  const without = await projectedInvoices(ports, decided, account, cut, tenant);
  const isOver = ({ period }: InvoiceDocument) => (parseInstantMs(period.to) ?? Infinity) <= nowMs;
  const cards = await cardsOf(ports, decided, account, tenant);
  const used = await usedNow(ports, decided, { account, cards }, cut, tenant);
  return {
    decided,
    token: tokenOf(decided),
    cut,
    documents: await projectedDocuments(ports, decided, changed, tenant),
    now: invoices.filter(isOver),
    next: invoices.filter((invoice) => !isOver(invoice)),
    without,
    difference: termsDifference(cards.from, cards.to, used),
    features: await featureChanges(
      ports,
      { before: account, after: changed, fromMs: decided.update.fromMs },
      { cut, nowMs },
      tenant,
    ),
    lastMonths: await lastMonths(ports, decided, tenant),
  };
}

interface ChangedCards {
  readonly from: readonly RateCard[];
  readonly to: readonly RateCard[];
}

/** The rate cards of the first day that changes, as they would be and as they become, at the prices that the customer has then. */
async function cardsOf(
  ports: PreviewPorts,
  { subject, update, day }: Decided,
  { negotiated }: Account,
  tenant: string,
): Promise<ChangedCards> {
  const dayMs = startOfDateMs(day, subject.customer.timezone);
  const knownOf = async (stages: readonly StageRecord[]) => {
    const stage = stageAt({ stages }, dayMs);
    const { plan, planVersion } = stage;
    const { rateCards, priceRevision, phase } = pricedIn(stage.phase?.key ?? null, await planTerms(ports.plans, stage, tenant));
    return { plan, planVersion, rateCards, priceRevision, phase, negotiated };
  };
  const known = [await knownOf(subject.subscription.stages), await knownOf(update.stages)];
  const [from = [], to = []] = await cardsAt(ports, known, dayMs, tenant);
  return { from, to };
}

/** What was used in the billing period of now, so far, in the units of a rate card. */
async function usedNow(
  ports: PreviewPorts,
  { subject }: Decided,
  { account, cards: { from, to } }: { readonly account: Account; readonly cards: ChangedCards },
  cut: Cut,
  tenant: string,
): Promise<(card: RateCard) => string> {
  const stretches = account.subscriptions.filter((terms) => terms.id === subject.subscription.id);
  const now = nextPeriod(stretches, account, subject.nowMs);
  const cards = [...from, ...to].filter(({ meter }) => meter !== undefined);
  if (now === undefined || cards.length === 0) return () => '0';
  const counting = { plan: '', planVersion: 0, priceRevision: 0, quantities: [], changeFees: [] };
  // A period each, as two plans may call different cards the same.
  const periods = cards.map((card) => ({
    ...periodToRate(now.terms, account, now.period),
    ...counting,
    rateCards: [countingCard(card)],
  }));
  const { rated } = await ratePeriods(ports, periods, tenant, cut);
  return (card) => {
    const line = rated[cards.indexOf(card)]?.lines[0];
    return line === undefined ? '0' : unitsCounted(line);
  };
}

/** Null where the change leaves the plan as it is, or a month says nothing about one of them. */
async function lastMonths(ports: PreviewPorts, { subject, plans }: Decided, tenant: string): Promise<LastMonths | null> {
  const { from, to } = plans;
  if (from.plan.key === to.plan.key && from.version === to.version) return null;
  const fit = await planFitOf(ports, subject.customer.key, { months: MONTHS, nowMs: subject.nowMs }, tenant);
  const after = fit.plans.find(({ plan, planVersion }) => plan === to.plan.key && planVersion === to.version);
  if (after === undefined) return null;
  const before =
    fit.plans.find(({ subscription }) => subscription === subject.subscription.id) ??
    fit.plans.find(({ plan, planVersion }) => plan === from.plan.key && planVersion === from.version);
  return {
    months: fit.months.map(({ fromMs, toMs }, index) => ({
      fromMs,
      toMs,
      before: before?.months[index] ?? null,
      after: after.months[index] ?? '0',
    })),
    before: before?.total ?? null,
    after: after.total,
  };
}
