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
  async function bill(subscription: SubscriptionRecord, sinceMs: number | null, tenant: string): Promise<SubscriptionRecord> {
    const { id, plan, planVersion } = subscription;
    if (sinceMs === null || sinceMs > ports.clock.nowMs()) return subscription;
    const version = await ports.plans.version(plan, planVersion, tenant);
    if (version === undefined) throw new Error(`subscription ${id} is to ${plan}, which has no version ${planVersion}`);
    if (cardsInAdvance(version.rateCards).length > 0) await requestSubscriptionRun(ports, id, tenant);
    return subscription;
  }
  return {
    ...subscriptions,
    async create(input, tenant) {
      const subscription = await subscriptions.create(input, tenant);
      return bill(subscription, subscription.startsAtMs, tenant);
    },
    async end(id, input, tenant) {
      const subscription = await subscriptions.end(id, input, tenant);
      return bill(subscription, subscription.endsAtMs, tenant);
    },
  };
}
