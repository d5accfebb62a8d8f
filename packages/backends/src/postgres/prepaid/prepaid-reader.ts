import type { BurnOrder } from '@meterline/domain/prepaid';
import type { PrepaidReader, SqlExecutor } from '@meterline/pipeline/ports';
import { epochMs } from '../catalog/rows.ts';
import { grantBalance, type BalanceRow } from './rows.ts';

/** What the movements `m` make of each grant. */
export const BALANCE = `sum(m.amount) as balance, coalesce(-sum(m.amount) filter (where m.kind = 'expire'), 0) as expired,
  coalesce(-sum(m.amount) filter (where m.kind = 'carry_over' and m.amount < 0), 0) as carried, bool_or(m.kind = 'void') as voided`;

/** Grants with their balances as each customer's ledger had them at a position. */
function balancesAt(db: SqlExecutor, customers: readonly string[], positions: readonly (string | number)[], tenant: string) {
  return db.query<BalanceRow>(
    `select g.*, ${BALANCE} from unnest($1::text[], $2::bigint[]) as seen (customer, position)
     join prepaid_movement m on m.customer = seen.customer and m.position <= seen.position and m.tenant = $3
     join prepaid_grant g on g.id = m."grant" group by g.id order by g.id`,
    [customers, positions, tenant],
  );
}

export function prepaidReader(db: SqlExecutor): PrepaidReader {
  return {
    async prepaid(customers, tenant) {
      const accounts = await db.query<{ customer: string; position: string; burn_order: BurnOrder }>(
        'select customer, position, burn_order from prepaid_account where customer = any($1::text[]) and tenant = $2',
        [customers, tenant],
      );
      if (accounts.length === 0) return [];
      const owners = accounts.map(({ customer }) => customer);
      // What was booked since the positions were read is left out: balances and positions belong together.
      const positions = accounts.map(({ position }) => position);
      const rows = await balancesAt(db, owners, positions, tenant);
      const billed = await db.query<{ customer: string; subscription: string; billed_through: string }>(
        `select customer, subscription, max(period_to) as billed_through from invoice
         where customer = any($1::text[]) and kind = 'period' and tenant = $2 group by customer, subscription`,
        [owners, tenant],
      );
      const balances = Map.groupBy(rows, (row) => row.customer);
      const ends = Map.groupBy(billed, (row) => row.customer);
      return accounts.map(({ customer, position, burn_order: order }) => ({
        customer,
        position: Number(position),
        order,
        balances: (balances.get(customer) ?? []).map(grantBalance),
        billedThroughMs: new Map((ends.get(customer) ?? []).map((row) => [row.subscription, epochMs(row.billed_through)])),
      }));
    },

    async prepaidAt(customer, position, tenant) {
      return (await balancesAt(db, [customer], [position], tenant)).map(grantBalance);
    },
  };
}
