import { isDeepStrictEqual } from 'node:util';
import { Fault } from '@meterline/domain/faults';
import { formatInstant } from '@meterline/domain/time';
import { stageAt } from '../catalog/index.ts';
import type { PlanMove, PlanMoveStep, SubscriptionChangeRecord } from '../ports/index.ts';
import {
  type ChangePorts,
  type ChangeRequest,
  decideChange,
  type Decided,
  makeChange,
  type MadeChange,
} from '../subscription-changes/index.ts';

/** Of two changes of a subscription at once, one is refused: it looks again so often. */
const LOOKS_MAX = 5;

/** Makes the change of the step, unless it was made before. Fails with a Fault that says why it cannot be. */
export async function moveOnce(ports: ChangePorts, move: PlanMove, step: PlanMoveStep, tenant: string): Promise<MadeChange> {
  for (let look = 1; ; look += 1) {
    const made = await madeBefore(ports, step, tenant);
    if (made !== undefined) return made;
    try {
      return await makeChange(ports, await decideStep(ports, move, step, tenant), tenant);
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'subscription.changed_since' || look === LOOKS_MAX) throw error;
    }
  }
}

async function madeBefore({ subscriptions }: ChangePorts, step: PlanMoveStep, tenant: string): Promise<MadeChange | undefined> {
  const changes = await subscriptions.changes(step.subscription, tenant);
  const change = changes.find(({ id }) => id === step.change);
  const subscription = change && (await subscriptions.byId(step.subscription, tenant));
  return subscription && { change, subscription };
}

/**
 * What the step would make of its subscription: an ordinary change of plan, but the vendor's own, so that no rule is asked and no fee is due. A commitment
 * that the subscription agreed on by itself stays; one that came with its plan version is replaced by that of the new one.
 */
export async function decideStep(
  ports: ChangePorts,
  move: PlanMove,
  { subscription, change }: PlanMoveStep,
  tenant: string,
): Promise<Decided> {
  const { plan, toVersion: version, when } = move;
  const request = { kind: 'plan', plan, version, at: when === 'now' ? 'now' : 'period_end' } as const;
  const decide = (asked: ChangeRequest) => decideChange(ports, subscription, asked, tenant, { change, byVendor: true });
  const decided = await decide(request);
  const {
    plans: { from },
    subject,
    change: { fromMs },
  } = decided;
  if (from.plan.key !== plan || !isMoved(move, from.version))
    throw skipped('plan_move.other_plan', `It is under plan "${from.plan.key}", version ${from.version} by then.`);
  const temporary = subject.changes.find((each) => isTemporary(each, fromMs));
  if (temporary?.untilMs != null)
    throw skipped('plan_move.temporary', `It is under this version until ${formatInstant(temporary.untilMs)} only.`);
  const { commitment } = stageAt(subject.subscription, fromMs);
  return isDeepStrictEqual(commitment, from.commitment) ? decided : decide({ ...request, commitment });
}

function isMoved({ fromVersions, toVersion }: PlanMove, version: number): boolean {
  return fromVersions === null ? version !== toVersion : fromVersions.includes(version);
}

/** Whether a change brought a plan that is left again after that instant. */
function isTemporary({ terms, fromMs, untilMs, withdrawnAtMs }: SubscriptionChangeRecord, atMs: number): boolean {
  return terms !== undefined && withdrawnAtMs === null && fromMs <= atMs && untilMs !== null && untilMs > atMs;
}

function skipped(code: string, message: string): Fault {
  return new Fault('conflict', code, message);
}

/** Why a subscription is passed over: what is in the way is its own. Undefined for an error of another kind. */
export function isSkipped(error: unknown): PlanMoveStep['reason'] | undefined {
  if (!(error instanceof Fault) || error.kind === 'unavailable' || error.code === 'subscription.changed_since') return undefined;
  const { code, message, errors } = error;
  return { code, message: [message, ...errors.map((each) => `${each.path}: ${each.message}`)].join(' ') };
}
