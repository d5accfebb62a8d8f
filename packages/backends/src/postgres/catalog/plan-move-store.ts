import { newId } from '@meterline/pipeline/ids';
import type {
  Database,
  MoveEstimate,
  MoveStepState,
  PlanMove,
  PlanMoveDraft,
  PlanMoveStep,
  PlanMoveStore,
  SqlExecutor,
} from '@meterline/pipeline/ports';
import { dateOrNull, epochMs, epochMsOrNull, pageOf } from './rows.ts';

interface MoveRow {
  readonly id: string;
  readonly plan: string;
  readonly to_version: number;
  readonly from_versions: number[] | null;
  readonly customers: string[] | null;
  readonly except_customers: string[];
  readonly takes_effect: 'now' | 'renewal';
  readonly dry_run: boolean;
  readonly state: 'running' | 'complete';
  readonly created_at: string;
  readonly completed_at: string | null;
  readonly counts: Partial<Record<MoveStepState, number>> | null;
}

interface StepRow {
  readonly subscription: string;
  readonly customer: string;
  readonly from_version: number;
  readonly change: string;
  readonly state: MoveStepState;
  readonly attempts: number;
  readonly reason: PlanMoveStep['reason'];
  readonly effective_at: string | null;
  readonly estimate: MoveEstimate | null;
}

const SELECT = `select m.*, (
  select jsonb_object_agg(state, n) from (
    select state, count(*) as n from plan_move_step s where s.move = m.id and s.tenant = m.tenant group by state
  ) counted
) as counts from plan_move m`;

const moveOf = (row: MoveRow): PlanMove => ({
  id: row.id,
  plan: row.plan,
  toVersion: row.to_version,
  fromVersions: row.from_versions,
  customers: row.customers,
  exceptCustomers: row.except_customers,
  when: row.takes_effect,
  dryRun: row.dry_run,
  state: row.state,
  counts: { pending: 0, moved: 0, skipped: 0, failed: 0, ...row.counts },
  createdAtMs: epochMs(row.created_at),
  completedAtMs: epochMsOrNull(row.completed_at),
});

const stepOf = (row: StepRow): PlanMoveStep => ({
  subscription: row.subscription,
  customer: row.customer,
  fromVersion: row.from_version,
  change: row.change,
  state: row.state,
  attempts: row.attempts,
  reason: row.reason,
  effectiveAtMs: epochMsOrNull(row.effective_at),
  estimate: row.estimate,
});

const jsonOrNull = (value: object | null): string | null => (value === null ? null : JSON.stringify(value));

export function planMoveStore(db: Database): PlanMoveStore {
  return {
    insert: (draft, nowMs, tenant) =>
      db.transaction(async (tx) => {
        const { id, plan, toVersion, fromVersions, customers, exceptCustomers, when, dryRun } = draft;
        await tx.query(
          `insert into plan_move (id, plan, to_version, from_versions, customers, except_customers, takes_effect, dry_run, state, created_at, tenant)
           values ($1, $2, $3, $4::jsonb, $5::jsonb, $6::jsonb, $7, $8, 'running', $9, $10)`,
          [
            ...[id, plan, toVersion, jsonOrNull(fromVersions), jsonOrNull(customers), JSON.stringify(exceptCustomers)],
            ...[when, dryRun, new Date(nowMs), tenant],
          ],
        );
        await insertSteps(tx, draft, nowMs, tenant);
        const [inserted] = await tx.query<MoveRow>(`${SELECT} where m.id = $1 and m.tenant = $2`, [id, tenant]);
        if (inserted === undefined) throw new Error(`move ${id} was not inserted`);
        return moveOf(inserted);
      }),

    async move(id, tenant) {
      const rows = await db.query<MoveRow>(`${SELECT} where m.id = $1 and m.tenant = $2`, [id, tenant]);
      return rows.map(moveOf)[0];
    },

    async moves(plan, request, tenant) {
      const rows = await db.query<MoveRow>(
        `${SELECT} where m.plan = $1 and ($2::text is null or m.id < $2) and m.tenant = $4 order by m.id desc limit $3`,
        [plan, request.after, request.limit + 1, tenant],
      );
      return pageOf(rows, request, moveOf, (row) => row.id);
    },

    async unfinished(request) {
      const rows = await db.query<{ id: string; tenant: string }>(
        `select id, tenant from plan_move where state = 'running' and id > $1 order by id limit $2`,
        [request.after ?? '', request.limit + 1],
      );
      return pageOf(
        rows,
        request,
        ({ id, tenant }) => ({ id, tenant }),
        (row) => row.id,
      );
    },

    async steps(move, request, tenant) {
      const rows = await db.query<StepRow>(
        `select * from plan_move_step where move = $1 and subscription > $2 and ($3::text is null or state = $3) and tenant = $5
         order by subscription limit $4`,
        [move, request.after ?? '', request.state ?? null, request.limit + 1, tenant],
      );
      return pageOf(rows, request, stepOf, (row) => row.subscription);
    },

    async putStep(move, step, tenant) {
      await db.query(
        `update plan_move_step set state = $1, attempts = $2, reason = $3::jsonb, effective_at = $4, estimate = $5::jsonb
         where move = $6 and subscription = $7 and tenant = $8`,
        [
          ...[step.state, step.attempts, jsonOrNull(step.reason), dateOrNull(step.effectiveAtMs), jsonOrNull(step.estimate)],
          ...[move, step.subscription, tenant],
        ],
      );
    },

    async complete(id, nowMs, tenant) {
      await db.query(
        `update plan_move set state = 'complete', completed_at = $2 where state = 'running' and id = $1 and tenant = $3`,
        [id, new Date(nowMs), tenant],
      );
    },
  };
}

/** Each subscription by its stage of now; one that begins later, by its first. */
async function insertSteps(tx: SqlExecutor, draft: PlanMoveDraft, nowMs: number, tenant: string): Promise<void> {
  const { id, plan, toVersion, fromVersions, customers, exceptCustomers } = draft;
  const found = await tx.query<{ subscription: string; customer: string; from_version: number }>(
    `select s.id as subscription, s.customer, st.plan_version as from_version from subscription s
     join lateral (
       select plan, plan_version from subscription_stage st where st.subscription = s.id and st.tenant = s.tenant
       order by st.from_at <= $6::timestamptz desc, case when st.from_at <= $6::timestamptz then st.from_at end desc, st.from_at limit 1
     ) st on true
     where st.plan = $1 and st.plan_version <> $2 and ($3::integer[] is null or st.plan_version = any($3))
       and ($4::text[] is null or s.customer = any($4)) and not s.customer = any($5::text[])
       and (s.ends_at is null or s.ends_at > $6::timestamptz) and s.tenant = $7 order by s.id`,
    [plan, toVersion, fromVersions, customers, exceptCustomers, new Date(nowMs), tenant],
  );
  const steps = found.map((step) => ({ ...step, change: newId('chg', nowMs) }));
  await tx.query(
    `insert into plan_move_step (move, subscription, customer, from_version, change, state, tenant)
     select $1, subscription, customer, from_version, change, 'pending', $3
     from jsonb_to_recordset($2::jsonb) as step (subscription text, customer text, from_version integer, change text)`,
    [id, JSON.stringify(steps), tenant],
  );
}
