import { Fault } from '@meterline/domain/faults';
import { startOfDateMs } from '@meterline/domain/time';
import { stageAt } from '../catalog/index.ts';
import { newId } from '../ids/index.ts';
import type { SubscriptionChangeRecord, SubscriptionUpdate } from '../ports/index.ts';
import { type ChangePorts, changedSince, made } from './changes.ts';
import { byDays, stageRecords, standing, timelineIn } from '../stages/index.ts';
import { invoiced } from './decide.ts';
import { planAndVersion, planTerms, renewalFrom, type Subject, subjectOf } from './subject.ts';

export interface Restored {
  /** Id of a change that has begun. */
  readonly change: string;
  /** Of the subscription since that change: nothing else was changed. */
  readonly version: number;
}

/**
 * Makes a subscription what it was before its last change, from the first day of that on, and answers the plan it is on again. Fails with
 * `subscription.changed_since` and `subscription.invoiced`.
 */
export async function restoreBefore(
  ports: ChangePorts,
  id: string,
  { change, version }: Restored,
  tenant: string,
): Promise<string> {
  const subject = await subjectOf(ports, id, await ports.clock.nowMs(tenant), tenant);
  const { subscription } = subject;
  const found = subject.changes.find((each) => each.id === change);
  if (found === undefined)
    throw new Fault('not_found', 'subscription.change_unknown', `Subscription "${id}" has no change "${change}".`);
  // Taken back already, by somebody who could not say so any more.
  if (found.withdrawnAtMs !== null) return planAndVersion(stageAt(subscription, subject.nowMs));
  if (subscription.version !== version)
    throw changedSince([
      { path: 'version', message: `the subscription was changed since: ${subscription.version} is not ${version}` },
    ]);
  const { timezone } = subject.customer;
  const without = timelineIn(
    standing(subject.changes, timezone).filter((each) => each.id !== change),
    timezone,
  );
  const day = byDays(found, timezone).fromDay;
  const before = without.stages.findLast(({ fromDay }) => fromDay <= day) ?? without.stages[0];
  if (before === undefined) throw new Error(`subscription ${id} was nothing before ${change}`);
  const { billingPeriod } = (await planTerms(ports.plans, before.terms, tenant)).plan;
  const isParted = renewalFrom(day, billingPeriod, subject) !== day;
  return planAndVersion(
    stageAt(
      made(await ports.subscriptions.update(restoration(found, subject, isParted), subject.nowMs, tenant), subject),
      subject.nowMs,
    ),
  );
}

function restoration(change: SubscriptionChangeRecord, subject: Subject, isParted: boolean): SubscriptionUpdate {
  const { subscription, customer, changes, billedThroughMs, nowMs } = subject;
  const { timezone } = customer;
  const fromMs = startOfDateMs(byDays(change, timezone).fromDay, timezone);
  if (billedThroughMs !== null && billedThroughMs > fromMs) throw invoiced(billedThroughMs);
  // The part of the period before the change is invoiced: an entry that says nothing else begins the rest of it anew.
  const anew: SubscriptionChangeRecord | null =
    billedThroughMs === fromMs && isParted
      ? {
          ...{ id: newId('chg', nowMs), subscription: subscription.id, kind: 'quantity', quantities: {}, anew: true },
          byVendor: true,
          seq: Math.max(...changes.map(({ seq }) => seq)) + 1,
          ...{ fromMs, untilMs: null, createdAtMs: nowMs, withdrawnAtMs: null },
        }
      : null;
  const rest = standing(changes, timezone).filter(({ id }) => id !== change.id);
  const after = timelineIn([...rest, ...(anew === null ? [] : [byDays(anew, timezone)])], timezone);
  return {
    subscription: subscription.id,
    version: subscription.version,
    change: anew,
    withdraws: [change.id],
    stages: stageRecords(after.stages, { startsAtMs: subscription.startsAtMs, timezone }),
    endsAtMs: after.endsAtMs,
    fromMs,
    billedThroughMs,
  };
}
