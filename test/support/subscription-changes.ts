import { catalogStores } from '@meterline/backends/postgres';
import { type ChangePorts, type ChangeRequest, decideChange, makeChange, withdrawChange } from '@meterline/pipeline/subscription-changes';
import type { RatingFixture } from './rating.ts';

/** The ports of changes on a fixture, at its clock. */
export function changePorts({ database, ports, clock }: RatingFixture): ChangePorts {
  const { customers, plans, subscriptions } = catalogStores(database);
  return { customers, plans, subscriptions, invoices: ports.invoices, clock };
}

/** Changes a subscription now, as the API does. */
export async function changeNow(it: RatingFixture, subscription: string, request: ChangeRequest) {
  const ports = changePorts(it);
  return makeChange(ports, await decideChange(ports, subscription, request, it.tenant), it.tenant);
}

export async function withdrawNow(it: RatingFixture, subscription: string, change: string) {
  return withdrawChange(changePorts(it), subscription, change, it.tenant);
}
