import { catalogStores } from '@meterline/backends/postgres';
import {
  type ChangeRequest,
  executeChange,
  previewChange,
  type PreviewPorts,
  withdrawChange,
} from '@meterline/pipeline/subscription-changes';
import type { RatingFixture } from './rating.ts';

/** The ports of changes on a fixture, at its clock. */
function changePorts({ database, ports }: RatingFixture): PreviewPorts {
  const { customers, plans, subscriptions } = catalogStores(database);
  return { ...ports, customers, plans, subscriptions };
}

/** Changes a subscription now, as the API does. */
export async function changeNow(it: RatingFixture, subscription: string, input: ChangeRequest | { readonly token: string }) {
  return executeChange(changePorts(it), subscription, input, it.tenant);
}

export async function previewNow(it: RatingFixture, subscription: string, request: ChangeRequest) {
  return previewChange(changePorts(it), subscription, request, it.tenant);
}

export async function withdrawNow(it: RatingFixture, subscription: string, change: string) {
  return withdrawChange(changePorts(it), subscription, change, it.tenant);
}
