import type { PlanFeature } from '@meterline/domain/entitlements';
import type { InvoiceThresholds, UnusedTime } from '@meterline/domain/invoices';
import { type PlanPhase, pricedBy, termsIn } from '@meterline/domain/phases';
import type { RateCard } from '@meterline/domain/prices';
import { sameTerms } from '@meterline/domain/stages';
import type { BillingCadence } from '@meterline/domain/subscriptions';
import type {
  ChangeFeeAt,
  PricedPhase,
  QuantitiesFrom,
  StageRecord,
  SubscriptionRecord,
  SubscriptionTerms,
} from '../ports/index.ts';
import { anchorsOf, isOnTrial } from '../stages/index.ts';

/** The plan version that a stage is under. */
export interface StagePlan {
  readonly currency: string;
  readonly cadence: BillingCadence;
  /** For all of its time, like the features. */
  readonly rateCards: readonly RateCard[];
  readonly phases: readonly PlanPhase[];
  readonly priceRevision: number;
  readonly features: readonly PlanFeature[];
  readonly unusedTime: UnusedTime;
  readonly invoiceThresholds: InvoiceThresholds | null;
}

export type PlannedStage = StageRecord & StagePlan;
type Changed = Pick<SubscriptionRecord, 'id' | 'startsAtMs' | 'endsAtMs' | 'version'>;

/**
 * What a subscription is charged by, from its stages in order. Stages that differ in quantities alone are one: tiers, allowances and commitments go on
 * through them. Each phase is one of its own. Those that rest are left out; where all of them do, the first is there without a day, for what was paid
 * before.
 */
export function stretchesOf(subscription: Changed, stages: readonly PlannedStage[]): SubscriptionTerms[] {
  const stretches: SubscriptionTerms[] = [];
  const begun = new Set<string>();
  const anchors = anchorsOf(subscription.startsAtMs, stages);
  for (const [index, stage] of stages.entries()) {
    if (stage.paused) continue;
    const before = stages[index - 1];
    const last = stretches.at(-1);
    const endsAtMs = stage.endsAtMs ?? subscription.endsAtMs;
    if (last !== undefined && before !== undefined && goesOn(before, stage)) {
      stretches[stretches.length - 1] = {
        ...last,
        endsAtMs,
        untilMs: stage.untilMs,
        quantities: [...last.quantities, ...quantitiesOf(stage, last.quantities)],
        changeFees: [...last.changeFees, ...feesOf(stage)],
      };
    } else {
      const anchorMs = anchors[index] ?? subscription.startsAtMs;
      stretches.push({ ...stretchOf(subscription, stage), anchorMs, endsAtMs, begins: !begun.has(onceFeesOf(stage)) });
    }
    begun.add(onceFeesOf(stage));
  }
  const [first] = stages;
  return stretches.length > 0 || first === undefined ? stretches : [{ ...stretchOf(subscription, first), untilMs: first.fromMs }];
}

function stretchOf({ id, startsAtMs, version }: Changed, stage: PlannedStage): SubscriptionTerms {
  const { plan, planVersion, commitment, currency, cadence, priceRevision, paysWhole, fromMs, untilMs } = stage;
  const { unusedTime, invoiceThresholds } = stage;
  const { rateCards, features, phase } = pricedIn(stage.phase?.key ?? null, stage);
  return {
    ...{ id, plan, planVersion, phase, commitment, currency, cadence, rateCards, priceRevision, features, unusedTime },
    ...{
      invoiceThresholds,
      paysWhole,
      startsAtMs: fromMs,
      endsAtMs: stage.endsAtMs,
      untilMs,
      anchorMs: startsAtMs,
      begins: true,
    },
    quantities: quantitiesOf(stage, []),
    changeFees: feesOf(stage),
    subscriptionVersion: version,
  };
}

function goesOn(before: StageRecord, stage: StageRecord): boolean {
  const isOfOnePhase = before.phase?.key === stage.phase?.key;
  const isOnEnd = !before.paused && before.untilMs === stage.fromMs;
  return isOnEnd && !stage.paysWhole && !stage.anew && sameTerms(before, stage) && isOfOnePhase;
}

/** Fees due once are due in the first stretch of a plan; a trial has its own. */
function onceFeesOf(stage: StageRecord): string {
  return isOnTrial(stage) ? `${stage.plan} on trial` : stage.plan;
}

/** What a plan version says in a phase of it. Fails if there is no such phase. */
export function pricedIn<Terms extends Pick<StagePlan, 'rateCards' | 'features' | 'phases'>>(
  key: string | null,
  version: Terms,
): Terms & { readonly phase: PricedPhase | null } {
  if (key === null) return { ...version, phase: null };
  const phase = version.phases.find((each) => each.key === key);
  if (phase === undefined) throw new Error(`a plan version has no phase ${key}`);
  const { rateCards } = version;
  return { ...termsIn(phase, version), phase: { key, name: phase.name, prices: pricedBy(phase, rateCards) } };
}

/** None while nothing was ever said. */
function quantitiesOf({ fromMs, quantities }: StageRecord, before: readonly QuantitiesFrom[]): QuantitiesFrom[] {
  return before.length === 0 && Object.keys(quantities).length === 0 ? [] : [{ fromMs, of: quantities }];
}

function feesOf({ fromMs, changeFees }: StageRecord): ChangeFeeAt[] {
  return changeFees.map((fee) => ({ ...fee, atMs: fromMs }));
}
