import type {
  Cut,
  Database,
  InvoiceRun,
  InvoiceRunDraft,
  InvoiceRunStore,
  InvoiceSchedule,
  ScheduleStore,
  SqlExecutor,
  ThresholdRunDraft,
} from '@meterline/pipeline/ports';
import { epochMs, epochMsOrNull, pageOf } from '../catalog/rows.ts';

interface RunRow {
  readonly id: string;
  readonly tenant: string;
  readonly subscription: string | null;
  readonly threshold: string | null;
  readonly at: string;
  readonly scheduled: boolean;
  readonly state: 'running' | 'complete';
  readonly target_cut: Cut;
  readonly invoices: number;
  readonly created_at: string;
  readonly completed_at: string | null;
}

interface ScheduleRow {
  readonly tenant: string;
  readonly cron: string;
  readonly timezone: string;
  readonly next_run_at: string;
}

const run = (row: RunRow): InvoiceRun => ({
  id: row.id,
  tenant: row.tenant,
  subscription: row.subscription,
  threshold: row.threshold,
  atMs: epochMs(row.at),
  scheduled: row.scheduled,
  state: row.state,
  targetCut: row.target_cut,
  invoices: row.invoices,
  createdAtMs: epochMs(row.created_at),
  completedAtMs: epochMsOrNull(row.completed_at),
});

const schedule = (row: ScheduleRow): InvoiceSchedule & { tenant: string } => ({
  tenant: row.tenant,
  cron: row.cron,
  timezone: row.timezone,
  nextRunAtMs: epochMs(row.next_run_at),
});

async function insertRun(tx: SqlExecutor, draft: InvoiceRunDraft): Promise<InvoiceRun> {
  const [inserted] = await tx.query<RunRow>(
    `insert into invoice_run (id, at, scheduled, state, target_cut, created_at, subscription, tenant)
     values ($1, $2, $3, 'running', $4::jsonb, $5, $6, $7)
     on conflict (tenant, at) where scheduled do nothing returning *`,
    [
      ...[draft.id, new Date(draft.atMs), draft.scheduled, JSON.stringify(draft.targetCut)],
      ...[new Date(draft.createdAtMs), draft.subscription ?? null, draft.tenant],
    ],
  );
  if (inserted !== undefined) return run(inserted);
  const [existing] = await tx.query<RunRow>('select * from invoice_run where scheduled and at = $1 and tenant = $2', [
    new Date(draft.atMs),
    draft.tenant,
  ]);
  if (existing === undefined) throw new Error(`invoice run ${draft.id} was neither inserted nor found`);
  return run(existing);
}

async function startAtThreshold(db: SqlExecutor, draft: ThresholdRunDraft): Promise<InvoiceRun | undefined> {
  const [started] = await db.query<RunRow>(
    `insert into invoice_run (id, at, scheduled, state, target_cut, created_at, subscription, threshold, tenant)
     values ($1, $2, false, 'running', $3::jsonb, $4, $5, $6::numeric, $7)
     on conflict (tenant, subscription) where threshold is not null and state = 'running'
     do update set threshold = excluded.threshold, target_cut = excluded.target_cut where invoice_run.threshold < excluded.threshold
     returning *`,
    [
      ...[draft.id, new Date(draft.atMs), JSON.stringify(draft.targetCut), new Date(draft.createdAtMs)],
      ...[draft.subscription, draft.threshold, draft.tenant],
    ],
  );
  if (started !== undefined) return run(started);
  const [running] = await db.query<RunRow>(
    `select * from invoice_run where threshold is not null and state = 'running' and subscription = $1 and tenant = $2`,
    [draft.subscription, draft.tenant],
  );
  return running && run(running);
}

export function invoiceRunStore(db: Database): InvoiceRunStore {
  return {
    insertRun: (draft) => insertRun(db, draft),
    startAtThreshold: (draft) => startAtThreshold(db, draft),

    async run(id, tenant) {
      const rows = await db.query<RunRow>('select * from invoice_run where id = $1 and tenant = $2', [id, tenant]);
      return rows.map(run)[0];
    },

    async runs(request, tenant) {
      const rows = await db.query<RunRow>(
        'select * from invoice_run where ($1::text is null or id < $1) and tenant = $3 order by id desc limit $2',
        [request.after, request.limit + 1, tenant],
      );
      return pageOf(rows, request, run, (row) => row.id);
    },

    async unfinishedRuns(request) {
      const rows = await db.query<RunRow>(`select * from invoice_run where state = 'running' and id > $1 order by id limit $2`, [
        request.after ?? '',
        request.limit + 1,
      ]);
      return pageOf(rows, request, run, (row) => row.id);
    },

    async completeRun(id, nowMs, tenant) {
      await db.query(
        `with completed as (
           update invoice_run set state = 'complete', completed_at = $2 where state = 'running' and id = $1 and tenant = $3
           returning subscription, threshold)
         insert into rating_wakeup (customers, tenant) select jsonb_build_array(s.customer), $3 from completed c
           join subscription s on s.id = c.subscription and s.tenant = $3 where c.threshold is not null`,
        [id, new Date(nowMs), tenant],
      );
    },
  };
}

export function scheduleStore(db: Database): ScheduleStore {
  return {
    async schedule(tenant) {
      const rows = await db.query<ScheduleRow>('select * from invoice_schedule where tenant = $1', [tenant]);
      return rows.map(schedule)[0];
    },

    async putSchedule(draft, tenant) {
      await db.query(
        `insert into invoice_schedule (cron, timezone, next_run_at, tenant) values ($1, $2, $3, $4)
         on conflict (tenant) do update set cron = excluded.cron, timezone = excluded.timezone, next_run_at = excluded.next_run_at`,
        [draft.cron, draft.timezone, new Date(draft.nextRunAtMs), tenant],
      );
    },

    async addMissingSchedules(draft) {
      await db.query(
        `insert into invoice_schedule (cron, timezone, next_run_at, tenant) select $1, $2, $3::timestamptz, id from tenant
         where id not in (select tenant from invoice_schedule) and not is_removed(id) on conflict do nothing`,
        [draft.cron, draft.timezone, new Date(draft.nextRunAtMs)],
      );
    },

    async nextDueMs() {
      const [row] = await db.query<{ next: string | null }>(
        'select min(next_run_at - clock_shift(tenant)) as next from invoice_schedule',
      );
      return epochMsOrNull(row?.next ?? null);
    },

    async due(serverNowMs) {
      const rows = await db.query<ScheduleRow>(
        'select * from invoice_schedule where next_run_at <= $1::timestamptz + clock_shift(tenant) order by next_run_at, tenant',
        [new Date(serverNowMs)],
      );
      return rows.map(schedule);
    },

    startScheduled(draft, nextRunAtMs) {
      return db.transaction(async (tx) => {
        const moved = await tx.query(
          'update invoice_schedule set next_run_at = $2 where next_run_at = $1 and tenant = $3 returning tenant',
          [new Date(draft.atMs), new Date(nextRunAtMs), draft.tenant],
        );
        return moved.length === 0 ? undefined : insertRun(tx, draft);
      });
    },
  };
}
