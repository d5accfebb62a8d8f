import { isDeepStrictEqual } from 'node:util';
import type { Commitment } from '@meterline/domain/commitments';
import type { NotCompared, Subscribed } from '@meterline/domain/plan-fit';
import type { RateCard } from '@meterline/domain/prices';
import type { Quantities } from '@meterline/domain/stages';
import type { BillingCadence } from '@meterline/domain/subscriptions';
import type { Account, MeterRecord, PlanRecord, PricedPhase, SubscriptionTerms } from '../ports/index.ts';
import { periodAt } from '../spend/index.ts';

/** Terms that a customer's months are rated by: those of a plan's latest version, or of its own subscription. */
export interface PlanTerms {
  readonly plan: string;
  readonly name: string;
  readonly planVersion: number;
  readonly every: BillingCadence['every'];
  readonly subscription: string | null;
  readonly isOffered: boolean;
  readonly rateCards: readonly RateCard[];
  /** As in `PeriodToRate`, like the phase. */
  readonly priceRevision: number;
  readonly phase: PricedPhase | null;
  readonly commitment: Commitment | null;
  /** How many of its fees there are; of those that are not named as many as their prices say. */
  readonly quantities: Quantities;
}

export interface PlanNotCompared {
  readonly plan: string;
  readonly planVersion: number;
  readonly reason: NotCompared;
}

export interface CustomerTerms {
  readonly compared: readonly PlanTerms[];
  readonly notCompared: readonly PlanNotCompared[];
  /** Active subscriptions, oldest first. */
  readonly subscribed: readonly Subscribed[];
  /** The anchor of the months: that of the first subscription billed by months of its own; null is the calendar. */
  readonly anchorMs: number | null;
}

/** The terms a customer can be compared by: every live plan in its currency, and what it has subscribed to. */
export function termsFor(
  account: Account,
  plans: readonly PlanRecord[],
  meters: ReadonlyMap<string, MeterRecord>,
  nowMs: number,
): CustomerTerms {
  const active = activeAt(account, nowMs);
  const names = new Map(plans.map(({ key, name }) => [key, name]));
  const offered = plans.filter((plan) => plan.archivedAtMs === null && !plan.draft && plan.currency === account.currency);
  const isOffer = (terms: SubscriptionTerms) => offered.some((plan) => hasTermsOf(terms, plan));
  const quantitiesOf = (terms: SubscriptionTerms) => terms.quantities.findLast(({ fromMs }) => fromMs <= nowMs)?.of ?? {};
  // A change of plan keeps them where the other plan has cards of the same keys.
  const kept = Object.assign({}, ...active.map(quantitiesOf)) as Quantities;

  const all = [
    ...offered.map((plan) => {
      const own = active.find((terms) => hasTermsOf(terms, plan));
      const { key, name, version, rateCards, priceRevision, commitment } = plan;
      const quantities = own === undefined ? kept : quantitiesOf(own);
      const priced = { rateCards, priceRevision, phase: null, commitment, quantities };
      const { every } = plan.billingPeriod;
      const shown = { plan: key, name, planVersion: version, every, subscription: own?.id ?? null, isOffered: true, ...priced };
      return { terms: shown, reason: notCompared(rateCards, meters) };
    }),
    ...active
      .filter((terms) => !isOffer(terms))
      .map((terms) => {
        const { id, plan, planVersion, rateCards, priceRevision, phase, commitment, cadence } = terms;
        const priced = { rateCards, priceRevision, phase, commitment, quantities: quantitiesOf(terms) };
        const of = { plan, name: names.get(plan) ?? plan, planVersion, every: cadence.every };
        return { terms: { ...of, subscription: id, isOffered: false, ...priced }, reason: null };
      }),
  ];
  const reasons = new Map(all.map(({ terms, reason }) => [terms.subscription, reason]));
  return {
    compared: all.flatMap(({ terms, reason }) => (reason === null ? [terms] : [])),
    notCompared: all.flatMap(({ terms, reason }) =>
      reason === null ? [] : [{ plan: terms.plan, planVersion: terms.planVersion, reason }],
    ),
    subscribed: active.map(({ id, plan, planVersion }) => ({ id, plan, planVersion, notCompared: reasons.get(id) ?? null })),
    anchorMs: monthsAnchor(active),
  };
}

/** Of the months that a customer with these subscriptions is compared by. */
export function monthsAnchor(active: readonly SubscriptionTerms[]): number | null {
  const anchored = active.find(({ cadence }) => cadence.every === 'month');
  return anchored?.cadence.anchor === 'anniversary' ? anchored.anchorMs : null;
}

/** The subscriptions of an account that run at an instant, oldest first. */
export function activeAt(account: Account, atMs: number): SubscriptionTerms[] {
  return account.subscriptions.filter((terms) => periodAt(terms, account, atMs) !== undefined);
}

/**
 * Whether a new subscription to the plan would have the same terms: it may have agreed on a commitment of its own. In a
 * phase it is compared by what the plan comes to behind it.
 */
function hasTermsOf(terms: SubscriptionTerms, plan: PlanRecord): boolean {
  if (terms.plan !== plan.key || terms.planVersion !== plan.version) return false;
  return terms.phase !== null || isDeepStrictEqual(terms.commitment, plan.commitment);
}

/** A meter that is archived has stopped counting: nobody can begin to pay by it. */
function notCompared(rateCards: readonly RateCard[], meters: ReadonlyMap<string, MeterRecord>): NotCompared | null {
  const archived = rateCards.some(({ meter }) => meter !== undefined && meters.get(meter)?.archivedAtMs !== null);
  return archived ? 'meter_archived' : null;
}
