import { newId } from '../ids/index.ts';
import type {
  CustomerRecord,
  CustomerTrials,
  PhasingRecord,
  PlanStore,
  SubscriptionChangeRecord,
  SubscriptionRecord,
  SubscriptionStore,
  SubscriptionUpdate,
} from '../ports/index.ts';
import { lapseOf, phasedVersion } from './phasing.ts';
import { phasingByDays, phasingRecord, stageRecords, standing, timelineIn } from './records.ts';

export interface TrialPorts {
  readonly subscriptions: Pick<SubscriptionStore, 'page' | 'changes'>;
  readonly plans: Pick<PlanStore, 'byKey' | 'version'>;
}

const SUBSCRIPTIONS_AT_A_TIME = 100;

/** What having a payment method or none from now on means for the trials of a customer that are not over: whether they convert. */
export async function paymentMethodTrials(
  ports: TrialPorts,
  customer: CustomerRecord,
  hasPaymentMethod: boolean,
  nowMs: number,
  tenant: string,
): Promise<CustomerTrials> {
  const subscriptions = await subscriptionsOf(ports, customer.key, tenant);
  const updates = await Promise.all(
    subscriptions.map((subscription) => updatesOf(ports, { subscription, customer, hasPaymentMethod, nowMs }, tenant)),
  );
  return { versions: subscriptions.map(({ id, version }) => ({ subscription: id, version })), updates: updates.flat(), nowMs };
}

async function subscriptionsOf({ subscriptions }: TrialPorts, customer: string, tenant: string): Promise<SubscriptionRecord[]> {
  const found: SubscriptionRecord[] = [];
  let after: string | null = null;
  do {
    const page = await subscriptions.page({ customer, limit: SUBSCRIPTIONS_AT_A_TIME, after }, tenant);
    found.push(...page.items);
    after = page.nextAfter;
  } while (after !== null);
  return found;
}

interface Deciding {
  readonly subscription: SubscriptionRecord;
  readonly customer: CustomerRecord;
  readonly hasPaymentMethod: boolean;
  readonly nowMs: number;
}

/** One update for each change whose trial hangs on it, each by the version that the one before it leaves. */
async function updatesOf(ports: TrialPorts, deciding: Deciding, tenant: string): Promise<SubscriptionUpdate[]> {
  const { subscription, customer, nowMs } = deciding;
  const { timezone } = customer;
  const { startsAtMs } = subscription;
  const changes = await ports.subscriptions.changes(subscription.id, tenant);
  const updates: SubscriptionUpdate[] = [];
  const known = [...changes];
  for (const amended of changes) {
    const phasing = await phasingWith(ports, amended, changes, deciding, tenant);
    if (phasing === undefined) continue;
    const change = {
      ...{ id: newId('chg', nowMs), subscription: subscription.id, seq: known.length + 1, kind: 'trial' as const },
      ...{ amends: amended.id, phasing, fromMs: trialEndMs(phasing), untilMs: null, createdAtMs: nowMs, withdrawnAtMs: null },
    };
    known.push(change);
    const { stages, endsAtMs } = timelineIn(standing(known, timezone), timezone);
    updates.push({
      subscription: subscription.id,
      version: subscription.version + updates.length,
      change,
      withdraws: [],
      stages: stageRecords(stages, { startsAtMs, timezone }),
      endsAtMs,
      fromMs: change.fromMs,
    });
  }
  return updates;
}

/** How the terms of a change are phased with the payment method or without, if that is otherwise than now. */
async function phasingWith(
  { plans }: TrialPorts,
  { id, terms, phasing, withdrawnAtMs }: SubscriptionChangeRecord,
  changes: readonly SubscriptionChangeRecord[],
  { customer: { timezone }, hasPaymentMethod, nowMs }: Deciding,
  tenant: string,
): Promise<PhasingRecord | undefined> {
  const now = changes.findLast((each) => each.amends === id && each.withdrawnAtMs === null)?.phasing ?? phasing;
  if (terms === undefined || now === undefined || withdrawnAtMs !== null || trialEndMs(now) <= nowMs) return undefined;
  const version = await plans.version(terms.plan, terms.planVersion, tenant);
  if (version?.phases[0]?.trial?.converts !== 'with_payment_method' || (now.lapse === null) === hasPaymentMethod)
    return undefined;
  const { phases } = phasingByDays(now, timezone);
  const lapse = lapseOf(await phasedVersion(plans, version, tenant), phases, { hasPaymentMethod });
  return phasingRecord({ phases, lapse }, timezone);
}

function trialEndMs({ phases }: PhasingRecord): number {
  return phases.find(({ remindDays }) => remindDays !== null)?.untilMs ?? -Infinity;
}
