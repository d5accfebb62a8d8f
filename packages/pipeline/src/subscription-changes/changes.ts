import { Fault } from '@meterline/domain/faults';
import { startOfDateMs } from '@meterline/domain/time';
import { stageAt } from '../catalog/index.ts';
import { newId } from '../ids/index.ts';
import type {
  PlanRecord,
  SubscriptionChangeRecord,
  SubscriptionRecord,
  SubscriptionUpdate,
  TenantClock,
  UpdateRefusal,
} from '../ports/index.ts';
import { phasedVersion, refuseMissingTrial, trialFacts } from '../stages/index.ts';
import { dayOf, decide, type Decision, invoiced, withdrawal } from './decide.ts';
import type { ChangeRequest } from './request.ts';
import { type ChangePlans, planTerms, type Subject, subjectOf, type SubjectPorts } from './subject.ts';

export interface ChangePorts extends SubjectPorts {
  readonly clock: TenantClock;
}

/** A change that may be made, with everything that it was decided by. */
export interface Decided extends Decision {
  readonly request: ChangeRequest;
  readonly plans: ChangePlans;
  readonly subject: Subject;
}

export interface MadeChange {
  readonly change: SubscriptionChangeRecord;
  readonly subscription: SubscriptionRecord;
}

export interface DecideOptions {
  /** Id of the change that would be made; default a new one. */
  readonly change?: string | undefined;
  /** The vendor's own: no rule of the plan is asked, and no fee due for it. */
  readonly byVendor?: boolean;
}

/** Decides what a change would come to. Previews and changes both come from here, so that they cannot differ. */
export async function decideChange(
  ports: ChangePorts,
  id: string,
  request: ChangeRequest,
  tenant: string,
  { change, byVendor = false }: DecideOptions = {},
): Promise<Decided> {
  const nowMs = await ports.clock.nowMs(tenant);
  const subject = await subjectOf(ports, id, nowMs, tenant);
  const { subscription, customer } = subject;
  const today = await planTerms(ports.plans, stageAt(subscription, nowMs), tenant);
  const day = dayOf(request, today.plan.billingPeriod, subject);
  const onDay = () => planTerms(ports.plans, stageAt(subscription, startOfDateMs(day, customer.timezone)), tenant);
  const left = request.kind === 'trial' ? today : await onDay();
  const from = byVendor ? { ...left, changeRules: null } : left;
  const to = await target(ports, request, { from, currency: customer.currency }, tenant);
  if ('trial' in request) refuseMissingTrial({ key: to.plan.key, phases: to.phases }, request.trial);
  const phased = await phasedVersion(ports.plans, to, tenant);
  const plans = { from, to, phased, trial: await trialFacts(ports, customer, { key: to.plan.key, phases: to.phases }, tenant) };
  return { ...decide({ request, day, plans, id: change ?? newId('chg', nowMs), byVendor }, subject), request, plans, subject };
}

/** Makes what was decided, unless the subscription was changed since. */
export async function makeChange(
  { subscriptions }: Pick<ChangePorts, 'subscriptions'>,
  { update, change, subject }: Decided,
  tenant: string,
): Promise<MadeChange> {
  return { change, subscription: made(await subscriptions.update(update, subject.nowMs, tenant), subject) };
}

/** Withdraws a change that has not begun. */
export async function withdrawChange(ports: ChangePorts, id: string, change: string, tenant: string): Promise<MadeChange> {
  const subject = await subjectOf(ports, id, await ports.clock.nowMs(tenant), tenant);
  const found = subject.changes.find((each) => each.id === change);
  if (found === undefined)
    throw new Fault('not_found', 'subscription.change_unknown', `Subscription "${id}" has no change "${change}".`);
  const update: SubscriptionUpdate = withdrawal(found, subject);
  const subscription = made(await ports.subscriptions.update(update, subject.nowMs, tenant), subject);
  return { change: { ...found, withdrawnAtMs: subject.nowMs }, subscription };
}

/** Fails with `subscription.unknown`. */
export async function changesOf(
  { subscriptions }: Pick<ChangePorts, 'subscriptions'>,
  id: string,
  tenant: string,
): Promise<readonly SubscriptionChangeRecord[]> {
  const changes = await subscriptions.changes(id, tenant);
  if (changes.length === 0) throw new Fault('not_found', 'subscription.unknown', `There is no subscription "${id}".`);
  return changes;
}

/** The subscription as it was changed; fails with why it was not. */
export function made(
  result: SubscriptionRecord | UpdateRefusal,
  { billedThroughMs, nowMs, customer }: Subject,
): SubscriptionRecord {
  switch (result) {
    case 'changed':
      throw changedSince([{ path: 'version', message: 'the subscription was changed meanwhile' }]);
    case 'invoiced':
      throw invoiced(billedThroughMs ?? nowMs);
    case 'overlaps':
      throw new Fault(
        'conflict',
        'subscription.overlaps',
        `Customer "${customer.key}" has another subscription to that plan in that time.`,
        { errors: [{ path: 'plan', message: 'must be one that no other subscription of the customer has in that time' }] },
      );
    default:
      return result;
  }
}

export function changedSince(errors: { readonly path: string; readonly message: string }[]): Fault {
  return new Fault('conflict', 'subscription.changed_since', 'What the change was decided by has changed since.', { errors });
}

/** The plan version that the change leads to. */
async function target(
  { plans }: ChangePorts,
  request: ChangeRequest,
  { from, currency }: { readonly from: ChangePlans['from']; readonly currency: string },
  tenant: string,
): Promise<ChangePlans['to']> {
  const asked = planAsked(request, from);
  if (asked === undefined) return from;
  const plan = await plans.byKey(asked.plan, tenant);
  if (plan === undefined) throw fault('invalid', 'plan.unknown', 'plan', `there is no plan "${asked.plan}"`);
  const refused = unfit(plan, currency);
  if (refused !== undefined) throw refused;
  const { version = plan.version } = asked;
  const record = await plans.version(plan.key, version, tenant);
  if (record === undefined)
    throw fault('invalid', 'plan.version_unknown', 'version', `plan "${plan.key}" has no version ${version}`);
  if (record.draft) throw fault('conflict', 'plan.draft', 'version', `version ${version} is a draft and takes no subscriptions`);
  if (record.archivedAtMs !== null)
    throw fault('conflict', 'plan_version.archived', 'version', `version ${version} is archived and takes no new subscriptions`);
  return planTerms(plans, { plan: plan.key, planVersion: version }, tenant);
}

/** Undefined where it stays. A new beginning under the plan it had keeps the version as well, unless another one is named. */
function planAsked(
  request: ChangeRequest,
  from: ChangePlans['from'],
): { readonly plan: string; readonly version: number | undefined } | undefined {
  if (request.kind !== 'plan' && request.kind !== 'resubscribe') return undefined;
  const { plan = from.plan.key, version } = request;
  if (request.kind === 'resubscribe' && plan === from.plan.key && (version ?? from.version) === from.version) return undefined;
  return { plan, version };
}

function unfit(plan: PlanRecord, currency: string): Fault | undefined {
  if (plan.archivedAtMs !== null) return fault('conflict', 'plan.archived', 'plan', 'is archived and takes no new subscriptions');
  if (plan.currency === currency) return undefined;
  return fault('invalid', 'subscription.currency_mismatch', 'plan', `is in ${plan.currency}, the customer in ${currency}`);
}

function fault(kind: 'invalid' | 'conflict', code: string, path: string, message: string): Fault {
  return new Fault(kind, code, 'The subscription cannot change to that plan.', { errors: [{ path, message }] });
}
