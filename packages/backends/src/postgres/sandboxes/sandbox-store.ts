import type { Database, SandboxRecord, SandboxStore } from '@meterline/pipeline/ports';
import { epochMs, pageOf } from '../catalog/rows.ts';
import { sandboxRemoval } from './sandbox-removal.ts';

interface SandboxRow {
  readonly key: string;
  readonly name: string;
  readonly own_tenant: string;
  readonly clock_shift_ms: string | number;
  readonly clock_target: string | null;
  readonly clock_moves: boolean;
  readonly created_at: string;
}

const COLUMNS = 'key, name, own_tenant, clock_shift_ms, clock_target, clock_moves, created_at';

const record = (row: SandboxRow): SandboxRecord => ({
  key: row.key,
  name: row.name,
  ownTenant: row.own_tenant,
  clockShiftMs: Number(row.clock_shift_ms),
  movingToMs: row.clock_moves && row.clock_target !== null ? epochMs(row.clock_target) : null,
  createdAtMs: epochMs(row.created_at),
});

/** An instant as epoch milliseconds. */
const ms = (instant: string): string => `round(extract(epoch from ${instant}) * 1000)::bigint`;

export function sandboxStore(db: Database): SandboxStore {
  return {
    ...sandboxRemoval(db),

    insert: ({ key, name, clockShiftMs, schedule, adminKey }, nowMs, tenant) =>
      db.transaction(async (tx) => {
        const [{ before } = { before: 0 }] = await tx.query<{ before: number }>(
          'select count(*)::integer as before from sandbox_removal where key = $1 and tenant = $2',
          [key, tenant],
        );
        // No key has a slash: nobody else's sandbox, no other tenant, and none that was removed, is called so.
        const ownTenant = `${tenant}/${key}${before === 0 ? '' : `/${before + 1}`}`;
        const now = new Date(nowMs);
        const [made] = await tx.query<{ id: string }>(
          'insert into tenant (id, name, created_at) values ($1, $2, $3) on conflict do nothing returning id',
          [ownTenant, name, now],
        );
        if (made === undefined) return undefined;
        const [row] = await tx.query<SandboxRow>(
          `insert into sandbox (key, name, own_tenant, clock_shift_ms, created_at, tenant) values ($1, $2, $3, $4, $5, $6) returning ${COLUMNS}`,
          [key, name, ownTenant, clockShiftMs, now, tenant],
        );
        if (row === undefined) throw new Error(`sandbox ${key} was not inserted`);
        await tx.query(
          `insert into api_key (id, tenant, name, secret_hash, scopes, created_at) values ($1, $2, 'admin', $3, '{admin}', $4)`,
          [adminKey.id, ownTenant, adminKey.secretHash, new Date(nowMs + clockShiftMs)],
        );
        await tx.query('insert into invoice_schedule (tenant, cron, timezone, next_run_at) values ($1, $2, $3, $4)', [
          ownTenant,
          schedule.cron,
          schedule.timezone,
          new Date(schedule.nextRunAtMs),
        ]);
        return record(row);
      }),

    async byKey(key, tenant) {
      const rows = await db.query<SandboxRow>(`select ${COLUMNS} from sandbox where key = $1 and tenant = $2`, [key, tenant]);
      return rows.map(record)[0];
    },

    async page(request, tenant) {
      const rows = await db.query<SandboxRow>(
        `select ${COLUMNS} from sandbox where key > $1 and tenant = $3 order by key limit $2`,
        [request.after ?? '', request.limit + 1, tenant],
      );
      return pageOf(rows, request, record, (row) => row.key);
    },

    async thatIs(ownTenant) {
      const rows = await db.query<SandboxRow>(`select ${COLUMNS} from sandbox where own_tenant = $1`, [ownTenant]);
      return rows.map(record)[0];
    },

    async send(toMs, ownTenant) {
      const sent = await db.query(
        `update sandbox set clock_target = $1, clock_moves = true
         where own_tenant = $2 and (clock_target is null or clock_target <= $1) returning key`,
        [new Date(toMs), ownTenant],
      );
      return sent.length > 0;
    },

    async step(serverNowMs) {
      const rows = await db.query<SandboxRow>(`select ${COLUMNS} from sandbox where clock_moves order by own_tenant`);
      const onTheirWay = rows.map(record).map(({ ownTenant: tenant, clockShiftMs, movingToMs }) => {
        const nowMs = serverNowMs + clockShiftMs;
        return { tenant, clockShiftMs, leftMs: (movingToMs ?? nowMs) - nowMs };
      });
      if (onTheirWay.length === 0) return [];
      // One statement sees the runs and wake-ups of one moment together with the due time: two workers cannot step over what one of them has begun.
      await db.query(
        `update sandbox s set
           clock_shift_ms = greatest(s.clock_shift_ms, ${ms('least(s.clock_target, due.at)')} - $1::bigint),
           clock_moves = $1::bigint + s.clock_shift_ms < ${ms('s.clock_target')}
             or $1::bigint + s.clock_shift_ms >= ${ms('due.at')}
         from (
           select tenant, least(next_run_at, (select min(due_at) from trial_notice n where n.told_at is null and n.tenant = i.tenant)) as at
           from invoice_schedule i) due
         where due.tenant = s.own_tenant and s.clock_moves
           and not exists (select from invoice_run r where r.state = 'running' and r.tenant = s.own_tenant)
           and not exists (select from subscription_upgrade u where u.state = 'running' and u.tenant = s.own_tenant)
           and not exists (select from plan_move m where m.state = 'running' and m.tenant = s.own_tenant)
           and not exists (select from rating_wakeup w where w.tenant = s.own_tenant)`,
        [serverNowMs],
      );
      return onTheirWay;
    },
  };
}
