import type { Database, PrepaidStore, SqlExecutor } from '@meterline/pipeline/ports';
import { wakeCustomer } from '../catalog/wake-customer.ts';
import { pageOf } from '../catalog/rows.ts';
import { append, giveGrant, insertGrant, lockLedger, openLedger } from './booking.ts';
import { BALANCE, prepaidReader } from './prepaid-reader.ts';
import { type BalanceRow, grant, grantBalance, type GrantRow, movement, type MovementRow } from './rows.ts';
import { ledgersOf, restsOf } from './whole-ledger.ts';

export { prepaidReader } from './prepaid-reader.ts';
export { append, giveGrant, isAsDrafted, lockLedger } from './booking.ts';

/** Grants and their ledger, on PostgreSQL or PGlite. */
export function prepaidStore(db: Database): PrepaidStore {
  return {
    ...prepaidReader(db),
    withRests: (atMs, tenant) => restsOf(db, atMs, tenant),
    allLedgers: (request) => ledgersOf(db, request),

    insertGrant: (customer, draft, tenant) =>
      db.transaction(async (tx) => {
        if (!(await exists(tx, customer, tenant))) return undefined;
        if (!(await giveGrant(tx, customer, draft, tenant))) return grantOfKey(tx, customer, draft.key, tenant);
        await wakeCustomer(tx, customer, tenant);
        return draft;
      }),

    voidGrant: (id, nowMs, tenant) =>
      db.transaction(async (tx) => {
        const [owner] = await tx.query<{ customer: string }>('select customer from prepaid_grant where id = $1 and tenant = $2', [
          id,
          tenant,
        ]);
        if (owner === undefined) return 'unknown';
        const ledger = await openLedger(tx, owner.customer, tenant);
        const [row] = await tx.query<{ balance: string; voided: boolean; empty: boolean }>(
          `select sum(amount) as balance, sum(amount) = 0 as empty, bool_or(kind = 'void') as voided from prepaid_movement where "grant" = $1`,
          [id],
        );
        if (row?.voided === true) return 'voided_before';
        if (row === undefined || row.empty) return 'nothing_left';
        const rest = { grant: id, kind: 'void', amount: `-${row.balance}`, line: null, adjusts: null } as const;
        await append(tx, ledger, [rest], { invoice: null, bookedAtMs: nowMs });
        await wakeCustomer(tx, owner.customer, tenant);
        return 'voided';
      }),

    async grants(customer, request, tenant) {
      const rows = await db.query<GrantRow>(
        `select * from prepaid_grant where customer = $1 and ($2::text is null or id < $2) and tenant = $4 order by id desc limit $3`,
        [customer, request.after, request.limit + 1, tenant],
      );
      return pageOf(rows, request, grant, (row) => row.id);
    },

    async grantBalance(id, tenant) {
      const [row] = await db.query<BalanceRow>(
        `select g.*, ${BALANCE} from prepaid_grant g join prepaid_movement m on m."grant" = g.id where g.id = $1 and g.tenant = $2 group by g.id`,
        [id, tenant],
      );
      return row && { ...grantBalance(row), customer: row.customer };
    },

    setBurnOrder: (customer, order, tenant) =>
      db.transaction(async (tx) => {
        if (!(await exists(tx, customer, tenant))) return false;
        await openLedger(tx, customer, tenant);
        await tx.query('update prepaid_account set burn_order = $3 where customer = $1 and tenant = $2', [
          customer,
          tenant,
          order,
        ]);
        return true;
      }),

    async ledger(customer, request, tenant) {
      const rows = await db.query<MovementRow>(
        'select * from prepaid_movement where customer = $1 and position > $2::bigint and tenant = $4 order by position limit $3',
        [customer, request.after ?? '0', request.limit + 1, tenant],
      );
      return pageOf(rows, request, movement, (row) => row.position);
    },

    async positionAt(customer, atMs, tenant) {
      const [row] = await db.query<{ position: string }>(
        'select coalesce(max(position), 0) as position from prepaid_movement where customer = $1 and booked_at <= $2 and tenant = $3',
        [customer, new Date(atMs), tenant],
      );
      return Number(row?.position ?? 0);
    },

    settle: (customer, position, settlements, nowMs, tenant) =>
      db.transaction(async (tx) => {
        const ledger = await lockLedger(tx, customer, tenant);
        if (ledger?.position !== position) return false;
        for (const { successor } of settlements) if (successor !== null) await insertGrant(tx, ledger, successor);
        const movements = settlements.flatMap((settlement) => settlement.movements);
        await append(tx, ledger, movements, { invoice: null, bookedAtMs: nowMs });
        await wakeCustomer(tx, customer, tenant);
        return true;
      }),
  };
}

async function exists(tx: SqlExecutor, customer: string, tenant: string): Promise<boolean> {
  return (await tx.query('select key from customer where key = $1 and tenant = $2', [customer, tenant])).length > 0;
}

async function grantOfKey(tx: SqlExecutor, customer: string, key: string, tenant: string) {
  const rows = await tx.query<GrantRow>('select * from prepaid_grant where customer = $1 and key = $2 and tenant = $3', [
    customer,
    key,
    tenant,
  ]);
  return rows.map(grant)[0];
}
