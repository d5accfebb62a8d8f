import type { Page, PlanMove, PlanMoveStep } from '../ports/index.ts';
import { billAtOnce, type InvoiceRunPorts } from '../invoices/index.ts';
import type { SubjectPorts } from '../subscription-changes/index.ts';
import { estimateOf } from './estimate.ts';
import { processPlanMoveJobs, type PlanMoveRequestPorts } from './request.ts';
import { decideStep, isSkipped, moveOnce } from './step.ts';

const STEPS_AT_A_TIME_MAX = 200;
/** A subscription that fails for no reason of its own is tried so often. */
const ATTEMPTS_MAX = 3;
/** Each estimate drafts invoices: a dry run of more subscriptions says only what would change. */
const ESTIMATES_MAX = 1000;

export type PlanMovePorts = Pick<PlanMoveRequestPorts, 'planMoves' | 'customers'> &
  Omit<SubjectPorts, 'customers' | 'invoices'> &
  InvoiceRunPorts;

export interface PlanMoveOptions {
  readonly signal?: AbortSignal;
  /** A subscription was moved: rating has to look at somebody. */
  readonly onMoved?: () => void;
}

/** Works on moves as jobs: each is tried again with backoff until it is complete. */
export function processPlanMoves(ports: PlanMovePorts, options: PlanMoveOptions = {}): Promise<void> {
  return processPlanMoveJobs(ports, async (id, tenant) => {
    const move = await ports.planMoves.move(id, tenant);
    // else it is complete, or gone with its sandbox
    if (move?.state === 'running') await executePlanMove(ports, move, options, tenant);
  });
}

/**
 * Moves, or (in a dry run) estimates, every subscription of the move that is still pending, then completes it. Safe to run again, and to be killed at any
 * time: a step makes the one change that it knows the id of. Fails if something is left to be tried again.
 */
export async function executePlanMove(
  ports: PlanMovePorts,
  move: PlanMove,
  { signal, onMoved }: PlanMoveOptions,
  tenant: string,
): Promise<void> {
  const total = Object.values(move.counts).reduce((sum, count) => sum + count, 0);
  const estimates = total <= ESTIMATES_MAX;
  let left = 0;
  let after: string | null = null;
  do {
    const request = { after, limit: STEPS_AT_A_TIME_MAX, state: 'pending' } as const;
    const page: Page<PlanMoveStep> = await ports.planMoves.steps(move.id, request, tenant);
    for (const step of page.items) {
      signal?.throwIfAborted();
      const done = await conclude(ports, move, step, { estimates }, tenant);
      await ports.planMoves.putStep(move.id, done, tenant);
      if (done.state === 'pending') left += 1;
      if (done.state === 'moved' && !move.dryRun) onMoved?.();
    }
    after = page.nextAfter;
  } while (after !== null);
  if (left > 0) throw new Error(`${left} subscriptions of plan move ${move.id} could not be moved yet`);
  await ports.planMoves.complete(move.id, await ports.clock.nowMs(tenant), tenant);
}

async function conclude(
  ports: PlanMovePorts,
  move: PlanMove,
  step: PlanMoveStep,
  { estimates }: { readonly estimates: boolean },
  tenant: string,
): Promise<PlanMoveStep> {
  try {
    if (!move.dryRun) {
      const { change, subscription } = await moveOnce(ports, move, step, tenant);
      if (move.when === 'now') await billAtOnce(ports, subscription, tenant);
      return { ...step, state: 'moved', reason: null, effectiveAtMs: change.fromMs };
    }
    const decided = await decideStep(ports, move, step, tenant);
    const estimate = estimates ? await estimateOf(ports, decided, tenant) : null;
    return { ...step, state: 'moved', reason: null, effectiveAtMs: decided.change.fromMs, estimate };
  } catch (error) {
    const skipped = isSkipped(error);
    if (skipped !== undefined) return { ...step, state: 'skipped', reason: skipped };
    const attempts = step.attempts + 1;
    const reason = { code: 'plan_move.failed', message: error instanceof Error ? error.message : String(error) };
    return { ...step, state: attempts < ATTEMPTS_MAX ? 'pending' : 'failed', attempts, reason };
  }
}
