import { Fault, type FaultDetail } from '@meterline/domain/faults';
import { z } from 'zod';
import { keySchema } from '../catalog/index.ts';
import { newId } from '../ids/index.ts';
import type {
  CustomerStore,
  JobQueue,
  Page,
  PlanMove,
  PlanMoveStore,
  PlanStore,
  PlanVersionRecord,
  TenantClock,
} from '../ports/index.ts';

const QUEUE = 'plan-moves';
// Short of patience, as what is unfinished is enqueued again.
const JOB = { attemptsMax: 5, backoffMs: 1000 };
const UNFINISHED_AT_A_TIME_MAX = 100;
const CUSTOMERS_MAX = 1000;

const versionNumber = z.int().min(1);
const customersField = z.array(keySchema).max(CUSTOMERS_MAX, `must be at most ${CUSTOMERS_MAX} customers`);

export const newPlanMoveSchema = z.strictObject({
  toVersion: versionNumber.describe('A published version of the plan'),
  fromVersions: z
    .array(versionNumber)
    .min(1)
    .max(1000)
    .optional()
    .describe('Only subscriptions under these; default every other version'),
  customers: customersField.min(1).optional().describe('Only these; default all'),
  exceptCustomers: customersField.optional().describe('Not these: they keep their version'),
  when: z.enum(['now', 'renewal']).describe('From today on, or from the first day of the next billing period of each on'),
  dryRun: z.boolean().optional().describe('Only says what would change'),
});
export type NewPlanMove = z.output<typeof newPlanMoveSchema>;

export interface PlanMoveRequestPorts {
  readonly planMoves: PlanMoveStore;
  readonly plans: Pick<PlanStore, 'byKey' | 'version'>;
  readonly customers: Pick<CustomerStore, 'byKey'>;
  readonly jobs: JobQueue;
  readonly clock: TenantClock;
}

/** Lays a move down, and has it worked on. Fails with `plan.unknown`, or `plan_move.invalid`, which names everything that is wrong. */
export async function requestPlanMove(
  ports: PlanMoveRequestPorts,
  plan: string,
  input: NewPlanMove,
  tenant: string,
): Promise<PlanMove> {
  const record = await ports.plans.byKey(plan, tenant);
  if (record === undefined) throw new Fault('not_found', 'plan.unknown', `There is no plan "${plan}".`);
  const { toVersion, when, fromVersions = null, customers = null, exceptCustomers = [], dryRun = false } = input;
  const target = await ports.plans.version(plan, toVersion, tenant);
  const errors = [
    ...(record.archivedAtMs === null ? [] : [{ path: 'plan', message: 'is archived and takes no new subscriptions' }]),
    ...targetFaults(target, input),
    ...(await unknownCustomers(ports.customers, 'customers', customers ?? [], tenant)),
    ...(await unknownCustomers(ports.customers, 'exceptCustomers', exceptCustomers, tenant)),
  ];
  if (errors.length > 0)
    throw new Fault('invalid', 'plan_move.invalid', 'The subscriptions cannot be moved like this.', { errors });
  const nowMs = await ports.clock.nowMs(tenant);
  const draft = { id: newId('pmv', nowMs), plan, toVersion, fromVersions, customers, exceptCustomers, when, dryRun };
  const move = await ports.planMoves.insert(draft, nowMs, tenant);
  // The move is there: killed before this line, it is enqueued by `requeuePlanMoves`.
  await enqueue(ports, { id: move.id, tenant }).catch(() => undefined);
  return move;
}

function targetFaults(target: PlanVersionRecord | undefined, { toVersion, fromVersions = [] }: NewPlanMove): FaultDetail[] {
  const errors: FaultDetail[] = [];
  if (target === undefined) errors.push({ path: 'toVersion', message: `there is no version ${toVersion}` });
  else if (target.draft) errors.push({ path: 'toVersion', message: 'is a draft and takes no subscriptions' });
  else if (target.archivedAtMs !== null)
    errors.push({ path: 'toVersion', message: 'is archived and takes no new subscriptions' });
  if (fromVersions.includes(toVersion)) errors.push({ path: 'fromVersions', message: 'must not hold toVersion' });
  return errors;
}

async function unknownCustomers(
  customers: PlanMoveRequestPorts['customers'],
  field: string,
  keys: readonly string[],
  tenant: string,
): Promise<FaultDetail[]> {
  const known = await Promise.all(keys.map((key) => customers.byKey(key, tenant)));
  return keys.flatMap((key, index) =>
    known[index] === undefined ? [{ path: `${field}[${index}]`, message: `there is no customer "${key}"` }] : [],
  );
}

/** Works on moves as jobs. */
export async function processPlanMoveJobs(
  { jobs }: Pick<PlanMoveRequestPorts, 'jobs'>,
  work: (id: string, tenant: string) => Promise<void>,
): Promise<void> {
  await jobs.process(QUEUE, async ({ move, tenant }) => {
    if (typeof move !== 'string' || typeof tenant !== 'string') throw new Error('a job of a plan move names none');
    await work(move, tenant);
  });
}

/** Enqueues every move that is not complete: what waits or is worked on already stays as it is. Answers how many there are. */
export async function requeuePlanMoves(ports: Pick<PlanMoveRequestPorts, 'planMoves' | 'jobs'>): Promise<number> {
  let moves = 0;
  let after: string | null = null;
  do {
    const page: Page<{ id: string; tenant: string }> = await ports.planMoves.unfinished({
      after,
      limit: UNFINISHED_AT_A_TIME_MAX,
    });
    for (const move of page.items) await enqueue(ports, move);
    moves += page.items.length;
    after = page.nextAfter;
  } while (after !== null);
  return moves;
}

async function enqueue({ jobs }: Pick<PlanMoveRequestPorts, 'jobs'>, move: { id: string; tenant: string }): Promise<void> {
  await jobs.enqueue(QUEUE, { move: move.id, tenant: move.tenant }, { jobId: move.id, ...JOB });
}
