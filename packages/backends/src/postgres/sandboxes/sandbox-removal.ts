import type { Database, SandboxRemoval, SqlExecutor } from '@meterline/pipeline/ports';
import { foreignKeys, parentsFirst } from '../table-order.ts';

/** What a removed sandbox leaves: its name is never given again, and its meters tell how the log was read. */
const KEPT = ['tenant', 'sandbox', 'sandbox_removal', 'meter', 'meter_backfill'];
const ROWS_AT_A_TIME = 5000;
/** No request that was let in before, and no run that had begun, takes longer: whatever they wrote is found by then. */
const SETTLED_MS = 60_000;

export function sandboxRemoval(db: Database): SandboxRemoval {
  return {
    remove: (key, nowMs, tenant) =>
      db.transaction(async (tx) => {
        const [gone] = await tx.query<{ own_tenant: string }>(
          'delete from sandbox where key = $1 and tenant = $2 returning own_tenant',
          [key, tenant],
        );
        if (gone === undefined) return undefined;
        const { own_tenant: own } = gone;
        const now = new Date(nowMs);
        await tx.query('insert into sandbox_removal (own_tenant, tenant, key, removed_at) values ($1, $2, $3, $4)', [
          ...[own, tenant, key],
          now,
        ]);
        await closeTenant(tx, own, now);
        return own;
      }),

    async sweep(serverNowMs) {
      const removed = await db.query<{ own_tenant: string; settled: boolean }>(
        'select own_tenant, removed_at <= $1 as settled from sandbox_removal where swept_at is null order by removed_at',
        [new Date(serverNowMs - SETTLED_MS)],
      );
      if (removed.length === 0) return [];
      const tables = (await tablesOfTenants(db)).toReversed();
      for (const { own_tenant: own, settled } of removed) {
        const rows = await deleteRows(db, tables, own);
        if (settled && rows === 0)
          await db.query('update sandbox_removal set swept_at = $1 where own_tenant = $2', [new Date(serverNowMs), own]);
      }
      return removed.map((row) => row.own_tenant);
    },
  };
}

/** From here on no key opens it, nothing of it becomes due, is counted or told. */
async function closeTenant(tx: SqlExecutor, own: string, now: Date): Promise<void> {
  await tx.query('delete from api_key where tenant = $1', [own]);
  await tx.query('delete from invoice_schedule where tenant = $1', [own]);
  // Waits for messages that are being told, and they wait for us.
  await tx.query('select id from webhook_endpoint where tenant = $1 order by id for update', [own]);
  await tx.query(
    `update webhook_endpoint set removed_at = $1, secret = '', previous_secret = null where removed_at is null and tenant = $2`,
    [now, own],
  );
  await tx.query(
    `update webhook_delivery set state = 'failed', next_attempt_at = null, completed_at = $1 where state = 'pending' and tenant = $2`,
    [now, own],
  );
  await tx.query(
    `with config as (
       update meter_config set version = version + 1
       where exists (select from meter where archived_version is null and tenant = $2) returning version
     )
     update meter set archived_version = config.version, archived_at = $1 from config where archived_version is null and tenant = $2`,
    [now, own],
  );
}

/** Those that rows of a tenant are deleted from, parents first. */
async function tablesOfTenants(db: Database): Promise<string[]> {
  const tables = await db.query<{ name: string }>(
    `select table_name as name from information_schema.columns
     where table_schema = 'public' and column_name = 'tenant' and not table_name = any ($1::text[]) order by 1`,
    [KEPT],
  );
  return parentsFirst(
    tables.map(({ name }) => name),
    await foreignKeys(db),
  );
}

/** In many transactions: nobody waits for long, and a broken-off sweep goes on. Answers how many rows there were. */
async function deleteRows(db: Database, tables: readonly string[], tenant: string): Promise<number> {
  let all = 0;
  for (const table of tables) {
    let rows = ROWS_AT_A_TIME;
    while (rows === ROWS_AT_A_TIME) {
      const deleted = await db.query(
        `delete from "${table}" where ctid = any (array(select ctid from "${table}" where tenant = $1 limit ${ROWS_AT_A_TIME})) returning 1`,
        [tenant],
      );
      rows = deleted.length;
      all += rows;
    }
  }
  return all;
}
