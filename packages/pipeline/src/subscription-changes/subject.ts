import { Fault } from '@meterline/domain/faults';
import type { Stage, SubscriptionChange } from '@meterline/domain/stages';
import { billingPeriodAt } from '@meterline/domain/subscriptions';
import { type EpochDay, localDateAt, startOfDateMs } from '@meterline/domain/time';
import type {
  CustomerRecord,
  CustomerStore,
  InvoiceStore,
  PlanRecord,
  PlanStore,
  PlanVersionRecord,
  StageRecord,
  SubscriptionChangeRecord,
  SubscriptionRecord,
  SubscriptionStore,
} from '../ports/index.ts';

export interface SubjectPorts {
  readonly subscriptions: Pick<SubscriptionStore, 'byId' | 'changes' | 'update'>;
  readonly customers: Pick<CustomerStore, 'byKey'>;
  readonly plans: Pick<PlanStore, 'byKey' | 'version'>;
  readonly invoices: Pick<InvoiceStore, 'billedThrough'>;
}

/** A version of a plan, with the plan it is of. */
export interface PlanTerms extends Pick<
  PlanVersionRecord,
  'version' | 'rateCards' | 'commitment' | 'changeRules' | 'priceRevision' | 'features' | 'unusedTime'
> {
  readonly plan: PlanRecord;
}

/** A subscription that is to be changed, with everything that decides whether it may be. */
export interface Subject {
  readonly subscription: SubscriptionRecord;
  /** All, in the order they were made. */
  readonly changes: readonly SubscriptionChangeRecord[];
  readonly customer: CustomerRecord;
  /** End of its last invoiced period. */
  readonly billedThroughMs: number | null;
  readonly nowMs: number;
}

/** Fails with `subscription.unknown`. */
export async function subjectOf(ports: SubjectPorts, id: string, nowMs: number, tenant: string): Promise<Subject> {
  const subscription = await ports.subscriptions.byId(id, tenant);
  if (subscription === undefined) throw new Fault('not_found', 'subscription.unknown', `There is no subscription "${id}".`);
  const customer = await ports.customers.byKey(subscription.customer, tenant);
  if (customer === undefined) throw new Error(`subscription ${id} has no customer`);
  const changes = await ports.subscriptions.changes(id, tenant);
  const billedThroughMs = (await ports.invoices.billedThrough([id], tenant)).get(id) ?? null;
  return { subscription, changes, customer, billedThroughMs, nowMs };
}

export async function planTerms(
  plans: SubjectPorts['plans'],
  { plan: key, planVersion }: Pick<StageRecord, 'plan' | 'planVersion'>,
  tenant: string,
): Promise<PlanTerms> {
  const [plan, version] = await Promise.all([plans.byKey(key, tenant), plans.version(key, planVersion, tenant)]);
  if (plan === undefined || version === undefined) throw new Error(`plan ${key} has no version ${planVersion}`);
  const { rateCards, commitment, changeRules, priceRevision, features, unusedTime } = version;
  return { plan, version: planVersion, rateCards, commitment, changeRules, priceRevision, features, unusedTime };
}

export function planAndVersion({ plan, planVersion }: Pick<StageRecord, 'plan' | 'planVersion'>): string {
  return `${plan} version ${planVersion}`;
}

/** The changes that stand, by local days. */
export function standing({ changes, customer: { timezone } }: Pick<Subject, 'changes' | 'customer'>): SubscriptionChange[] {
  return changes.filter(({ withdrawnAtMs }) => withdrawnAtMs === null).map((change) => byDays(change, timezone));
}

export function byDays(change: SubscriptionChangeRecord, timezone: string): SubscriptionChange {
  const { id, seq, kind, fromMs, untilMs, terms, quantities, fee, paysWhole, anew } = change;
  const day = localDateAt(fromMs, timezone);
  const untilDay = untilMs === null ? null : localDateAt(untilMs, timezone);
  const end = kind === 'cancel' ? { fromDay: day + 1, endsAtMs: fromMs } : { fromDay: day };
  return { id, seq, kind, untilDay, terms, quantities, fee, paysWhole, anew, ...end };
}

/** The stages by instants. */
export function stageRecords(stages: readonly Stage[], { subscription, customer: { timezone } }: Subject): StageRecord[] {
  const startDay = localDateAt(subscription.startsAtMs, timezone);
  return stages.map(({ fromDay, untilDay, endsAtMs, terms, quantities, paused, paysWhole, anew, fees, change }) => ({
    fromMs: fromDay === startDay ? subscription.startsAtMs : startOfDateMs(fromDay, timezone),
    untilMs: untilDay === null ? null : startOfDateMs(untilDay, timezone),
    endsAtMs,
    ...terms,
    quantities,
    paused,
    paysWhole,
    anew,
    changeFees: fees,
    change,
  }));
}

/** The first day from this one on with which a billing period of the subscription begins, counted as its plan then does. */
export function renewalFrom(day: EpochDay, cadence: PlanRecord['billingPeriod'], { subscription, customer }: Subject): EpochDay {
  const { timezone } = customer;
  const span = { startsAtMs: subscription.startsAtMs, endsAtMs: null, timezone };
  const before = billingPeriodAt(cadence, span, startOfDateMs(day, timezone) - 1);
  // On or before the first day there is no renewal but the beginning itself.
  return before === undefined
    ? Math.max(day, localDateAt(subscription.startsAtMs, timezone))
    : localDateAt(before.toMs, timezone);
}
