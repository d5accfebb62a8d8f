import { Fault } from '@meterline/domain/faults';
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
  TrialFacts,
} from '../ports/index.ts';
import { anchorsOf, type PhasedVersion } from '../stages/index.ts';

export interface SubjectPorts {
  readonly subscriptions: Pick<SubscriptionStore, 'byId' | 'changes' | 'hadTrial' | 'update'>;
  readonly customers: Pick<CustomerStore, 'byKey'>;
  readonly plans: Pick<PlanStore, 'byKey' | 'version'>;
  readonly invoices: Pick<InvoiceStore, 'billedThrough'>;
}

/** A version of a plan, with the plan it is of. */
export interface PlanTerms extends Pick<
  PlanVersionRecord,
  | 'version'
  | 'rateCards'
  | 'commitment'
  | 'changeRules'
  | 'priceRevision'
  | 'features'
  | 'unusedTime'
  | 'phases'
  | 'invoiceThresholds'
> {
  readonly plan: PlanRecord;
}

/** The plan versions that a change is about: under which it is made, and to which it leads (the same, but for a change of plan). */
export interface ChangePlans {
  readonly from: PlanTerms;
  readonly to: PlanTerms;
  /** The phases of `to`, and what of the customer decides on its trial. */
  readonly phased: PhasedVersion;
  readonly trial: TrialFacts;
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
  const { rateCards, commitment, changeRules, priceRevision, features, unusedTime, phases, invoiceThresholds } = version;
  const terms = { rateCards, commitment, changeRules, priceRevision, features, unusedTime, phases, invoiceThresholds };
  return { plan, version: planVersion, ...terms };
}

export function planAndVersion({ plan, planVersion }: Pick<StageRecord, 'plan' | 'planVersion'>): string {
  return `${plan} version ${planVersion}`;
}

/** The first day from this one on with which a billing period of the subscription begins, counted as its plan then does. */
export function renewalFrom(day: EpochDay, cadence: PlanRecord['billingPeriod'], { subscription, customer }: Subject): EpochDay {
  const { timezone } = customer;
  const { startsAtMs, stages } = subscription;
  const atMs = startOfDateMs(day, timezone) - 1;
  const running = stages.findLastIndex(({ fromMs }) => fromMs <= atMs);
  const anchorMs = anchorsOf(startsAtMs, stages)[running] ?? startsAtMs;
  const before = billingPeriodAt(cadence, { startsAtMs, anchorMs, endsAtMs: null, timezone }, atMs);
  // On or before the first day there is no renewal but the beginning itself.
  if (before === undefined) return Math.max(day, localDateAt(startsAtMs, timezone));
  const phaseEndMs = stages[running]?.phase?.untilMs ?? Infinity;
  // A trial that lapsed is the last stage for good, and long over.
  return localDateAt(phaseEndMs > atMs ? Math.min(before.toMs, phaseEndMs) : before.toMs, timezone);
}
