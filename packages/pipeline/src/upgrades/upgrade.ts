import { commitmentSchema } from '@meterline/domain/commitments';
import { Fault } from '@meterline/domain/faults';
import { z } from 'zod';
import { keySchema, quantitiesSchema } from '../catalog/index.ts';
import { newId } from '../ids/index.ts';
import { billAtOnce, requestSubscriptionRun } from '../invoices/index.ts';
import type { UpgradeRecord, UpgradeState, UpgradeStep } from '../ports/index.ts';
import {
  type ChangePreview,
  type ChangeRequest,
  executeChange,
  previewChange,
  refuseIfChanged,
  requestOf,
  restoreBefore,
} from '../subscription-changes/index.ts';
import type { UpgradePorts } from './ports.ts';
import { takeSnapshot } from './snapshot.ts';
import { eligibility, extraCostsOf, prices, taken } from './steps.ts';
import { verifyUpgrade } from './verification.ts';

const DAY_MS = 86_400_000;
const graceDays = z.int().min(0).max(90).default(14).describe('So many days it is taken back on request');

export const upgradeRequestSchema = z.union([
  z.strictObject({
    plan: keySchema,
    version: z.int().min(1).optional().describe('Default the latest'),
    commitment: commitmentSchema.nullish().describe('Absent: as the plan version says; null: nothing'),
    quantities: quantitiesSchema.optional(),
    graceDays,
  }),
  z.strictObject({ token: z.string().max(16_384).describe('Of a preview of the change of plan: exactly that'), graceDays }),
]);
export type UpgradeRequest = z.output<typeof upgradeRequestSchema>;

/**
 * Changes the plan of a subscription now, in checked steps: whether it may, what it costs, a snapshot, the switch, and whether everything answers under the
 * new plan; otherwise it is taken back. Fails, with nothing made, as the change would, and with `upgrade.not_up` and `upgrade.running`.
 */
export async function startUpgrade(
  ports: UpgradePorts,
  subscription: string,
  input: UpgradeRequest,
  tenant: string,
): Promise<UpgradeRecord> {
  const preview = await previewOf(ports, subscription, input, tenant);
  refuseOthers(preview);
  const { nowMs } = preview.decided.subject;
  const extraCosts = extraCostsOf(preview);
  const snapshot = await takeSnapshot(ports, preview, tenant);
  const upgrade = await ports.upgrades.insert({
    id: newId('upg', nowMs),
    ...{ tenant, subscription, state: 'running', token: preview.token, change: null, snapshot, extraCosts },
    steps: [eligibility(preview), prices(preview, extraCosts), taken(snapshot)],
    createdAtMs: nowMs,
    graceUntilMs: nowMs + input.graceDays * DAY_MS,
    finishedAtMs: null,
  });
  if (upgrade === undefined) throw new Fault('conflict', 'upgrade.running', 'Another upgrade of the subscription is under way.');
  return finishUpgrade(ports, upgrade);
}

/** Takes the steps that are left. Safe to repeat, also after a crash between any two of them. */
async function finishUpgrade(ports: UpgradePorts, upgrade: UpgradeRecord): Promise<UpgradeRecord> {
  const { tenant } = upgrade;
  const switched = await switchPlan(ports, upgrade);
  const running = { ...upgrade, change: changeIdOf(upgrade), steps: [...upgrade.steps, switched] };
  if (!hasPassed(switched)) return conclude(ports, { ...running, change: null, state: 'failed' });
  const verification: UpgradeStep = { step: 'verification', checks: await verifyUpgrade(ports, running, tenant) };
  const verified = { ...running, steps: [...running.steps, verification] };
  if (hasPassed(verification)) return conclude(ports, { ...verified, state: 'done' });
  const names = verification.checks.filter(({ passed }) => !passed).map(({ check }) => check);
  return takeBack(ports, verified, 'running', `a check was not passed: ${names.join(', ')}`);
}

/**
 * Takes an upgrade back: the subscription is what it was before, fees of the new plan are paid back, and its days are billed by the old one. Fails with
 * `upgrade.unknown`, `upgrade.not_done`, `upgrade.grace_over`, `subscription.changed_since`, `subscription.invoiced`.
 */
export async function rollBackUpgrade(
  ports: UpgradePorts,
  subscription: string,
  id: string,
  tenant: string,
): Promise<UpgradeRecord> {
  const upgrade = await upgradeOf(ports, subscription, id, tenant);
  if (upgrade.state !== 'done')
    throw new Fault('conflict', 'upgrade.not_done', `The upgrade is ${upgrade.state}: only one that is done can be taken back.`);
  if ((await ports.clock.nowMs(tenant)) >= upgrade.graceUntilMs)
    throw new Fault('conflict', 'upgrade.grace_over', 'The time in which the upgrade is taken back is over.');
  return takeBack(ports, upgrade, 'done', 'on request');
}

/** Fails with `upgrade.unknown`. */
export async function upgradeOf(
  ports: Pick<UpgradePorts, 'upgrades'>,
  subscription: string,
  id: string,
  tenant: string,
): Promise<UpgradeRecord> {
  const upgrade = await ports.upgrades.byId(id, tenant);
  if (upgrade?.subscription === subscription) return upgrade;
  throw new Fault('not_found', 'upgrade.unknown', `Subscription "${subscription}" has no upgrade "${id}".`);
}

/** Finishes upgrades whose process is gone; one that cannot be finished is told, and tried again the next time. */
export async function resumeUpgrades(
  ports: UpgradePorts,
  onError: (error: unknown, upgrade: Pick<UpgradeRecord, 'id' | 'tenant'>) => void,
): Promise<void> {
  for (const upgrade of await ports.upgrades.unfinished(ports.serverClock.nowMs() - LEFT_BEHIND_MS)) {
    try {
      await finishUpgrade(ports, upgrade);
    } catch (error) {
      onError(error, upgrade);
    }
  }
}

/** A process takes seconds for the steps; the others leave it that long. */
const LEFT_BEHIND_MS = 60_000;

/** Of the change that an upgrade makes: whoever finishes it sees by it whether that is done. */
const changeIdOf = ({ id }: Pick<UpgradeRecord, 'id'>) => id.replace(/^upg_/, 'chg_');
const hasPassed = ({ checks }: UpgradeStep) => checks.every(({ passed }) => passed);

/** What the upgrade would do; what was shown before must still be so. */
async function previewOf(
  ports: UpgradePorts,
  subscription: string,
  input: UpgradeRequest,
  tenant: string,
): Promise<ChangePreview> {
  if (!('token' in input)) return previewChange(ports, subscription, planChange(input), tenant);
  const { request, basis } = requestOf(input.token, subscription);
  const preview = await previewChange(ports, subscription, request, tenant);
  refuseIfChanged(basis, preview.decided);
  return preview;
}

function planChange({ graceDays: _, ...asked }: Exclude<UpgradeRequest, { readonly token: string }>): ChangeRequest {
  return { kind: 'plan', ...asked };
}

function refuseOthers({ decided: { request, direction } }: ChangePreview): void {
  const isNow = request.kind === 'plan' && (request.at ?? 'now') === 'now' && request.until === undefined;
  if (!isNow) throw notUp('changes the plan at once and for good');
  if (direction === 'down') throw notUp('is to a plan with the same fees or higher ones');
}

function notUp(rule: string): Fault {
  return new Fault('invalid', 'upgrade.not_up', `An upgrade ${rule}.`, {
    errors: [{ path: 'plan', message: `an upgrade ${rule}` }],
  });
}

async function switchPlan(ports: UpgradePorts, upgrade: UpgradeRecord): Promise<UpgradeStep> {
  const { subscription, token, tenant } = upgrade;
  const change = changeIdOf(upgrade);
  const check = 'change';
  const isMade = async () => (await ports.subscriptions.changes(subscription, tenant)).some(({ id }) => id === change);
  if (!(await isMade())) {
    try {
      await executeChange(ports, subscription, { token }, tenant, change);
    } catch (error) {
      // Whoever else finishes it may have been faster.
      if (!(error instanceof Fault)) throw error;
      if (!(await isMade())) return { step: 'switch', checks: [{ check, passed: false, message: error.message }] };
    }
  }
  const switched = await ports.subscriptions.byId(subscription, tenant);
  if (switched !== undefined) await billAtOnce(ports, switched, tenant);
  return { step: 'switch', checks: [{ check, passed: true, message: `made by ${change}` }] };
}

async function takeBack(ports: UpgradePorts, upgrade: UpgradeRecord, from: UpgradeState, why: string): Promise<UpgradeRecord> {
  const { subscription, change, snapshot, tenant } = upgrade;
  const back = await restoreBefore(ports, subscription, { change: change ?? '', version: snapshot.version + 1 }, tenant);
  await requestSubscriptionRun(ports, subscription, tenant);
  const message = `${why}; the subscription is on ${back} again`;
  const steps = [...upgrade.steps, { step: 'rollback', checks: [{ check: 'subscription', passed: true, message }] } as const];
  return conclude(ports, { ...upgrade, state: 'rolled_back', steps }, from);
}

async function conclude(ports: UpgradePorts, upgrade: UpgradeRecord, from: UpgradeState = 'running'): Promise<UpgradeRecord> {
  const finished = { ...upgrade, finishedAtMs: await ports.clock.nowMs(upgrade.tenant) };
  if (await ports.upgrades.progress(finished, from)) return finished;
  return upgradeOf(ports, upgrade.subscription, upgrade.id, upgrade.tenant);
}
