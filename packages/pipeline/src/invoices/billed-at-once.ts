import { cardsIn } from '@meterline/domain/phases';
import { cardsInAdvance } from '@meterline/domain/prices';
import type { SubscriptionCatalog } from '../catalog/index.ts';
import type { PlanStore, SubscriptionRecord } from '../ports/index.ts';
import { type InvoiceRunPorts, requestSubscriptionRun } from './runs.ts';

interface Ports extends InvoiceRunPorts {
  readonly plans: Pick<PlanStore, 'version'>;
}

/**
 * The same subscriptions, whose fees due in advance are invoiced as soon as they begin, and given back as soon as they end, without waiting for the next
 * scheduled run (which finds whatever is not done yet).
 */
export function billedAtOnce(subscriptions: SubscriptionCatalog, ports: Ports): SubscriptionCatalog {
  return {
    ...subscriptions,
    create: async (input, tenant) => billAtOnce(ports, await subscriptions.create(input, tenant), tenant),
    end: async (id, input, tenant) => billAtOnce(ports, await subscriptions.end(id, input, tenant), tenant),
  };
}

/** Asks for a run of a subscription that was just changed, if one of the plans it was ever under has fees in advance that may be due or to be given back. */
export async function billAtOnce(ports: Ports, subscription: SubscriptionRecord, tenant: string): Promise<SubscriptionRecord> {
  if (subscription.startsAtMs > (await ports.clock.nowMs(tenant))) return subscription;
  const plans = new Map(subscription.stages.map(({ plan, planVersion }) => [`${plan}@${planVersion}`, { plan, planVersion }]));
  for (const { plan, planVersion } of plans.values()) {
    const version = await ports.plans.version(plan, planVersion, tenant);
    if (version === undefined)
      throw new Error(`subscription ${subscription.id} is to ${plan}, which has no version ${planVersion}`);
    const cards = [version.rateCards, ...version.phases.map((phase) => cardsIn(phase, version.rateCards))].flat();
    if (cardsInAdvance(cards).length === 0) continue;
    await requestSubscriptionRun(ports, subscription.id, tenant);
    break;
  }
  return subscription;
}
