import type { PlanFeature } from '@meterline/domain/entitlements';
import type { UnusedTime } from '@meterline/domain/invoices';
import type { RateCard } from '@meterline/domain/prices';
import { sameTerms } from '@meterline/domain/stages';
import type { BillingCadence } from '@meterline/domain/subscriptions';
import type { ChangeFeeAt, QuantitiesFrom, StageRecord, SubscriptionRecord, SubscriptionTerms } from '../ports/index.ts';

/** The plan version that a stage is under. */
export interface StagePlan {
  readonly currency: string;
  readonly cadence: BillingCadence;
  readonly rateCards: readonly RateCard[];
  readonly priceRevision: number;
  readonly features: readonly PlanFeature[];
  readonly unusedTime: UnusedTime;
}

export type PlannedStage = StageRecord & StagePlan;

/**
 * What a subscription is charged by, from its stages in order. Stages that differ in quantities alone are one: tiers, allowances and commitments go on
 * through them. Those that rest are left out.
 */
export function stretchesOf(
  subscription: Pick<SubscriptionRecord, 'id' | 'startsAtMs' | 'endsAtMs' | 'version'>,
  stages: readonly PlannedStage[],
): SubscriptionTerms[] {
  const stretches: SubscriptionTerms[] = [];
  const begun = new Set<string>();
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
      const { plan, planVersion, commitment, currency, cadence, rateCards, priceRevision, features, unusedTime } = stage;
      const { paysWhole, untilMs } = stage;
      stretches.push({
        ...{ plan, planVersion, commitment, currency, cadence, rateCards, priceRevision, features, unusedTime },
        ...{ paysWhole, endsAtMs, untilMs },
        id: subscription.id,
        startsAtMs: stage.fromMs,
        anchorMs: subscription.startsAtMs,
        begins: !begun.has(stage.plan),
        quantities: quantitiesOf(stage, []),
        changeFees: feesOf(stage),
        subscriptionVersion: subscription.version,
      });
    }
    begun.add(stage.plan);
  }
  return stretches;
}

function goesOn(before: StageRecord, stage: StageRecord): boolean {
  return !before.paused && !stage.paysWhole && !stage.anew && before.untilMs === stage.fromMs && sameTerms(before, stage);
}

/** None while nothing was ever said. */
function quantitiesOf({ fromMs, quantities }: StageRecord, before: readonly QuantitiesFrom[]): QuantitiesFrom[] {
  return before.length === 0 && Object.keys(quantities).length === 0 ? [] : [{ fromMs, of: quantities }];
}

function feesOf({ fromMs, changeFees }: StageRecord): ChangeFeeAt[] {
  return changeFees.map((fee) => ({ ...fee, atMs: fromMs }));
}
