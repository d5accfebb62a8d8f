import type { CustomerLedger, Page, PageRequest, SqlExecutor } from '@meterline/pipeline/ports';
import { pageOf } from '../catalog/rows.ts';
import { movement, type MovementRow } from './rows.ts';

/**
 * Customers and their grants that ended by `atMs` with something left. A grant that expired waits until every subscription of the customer
 * is invoiced up to its end: usage from before may still burn it. One that was withdrawn waits for nothing.
 */
export async function restsOf(
  db: SqlExecutor,
  atMs: number,
  tenant: string,
): Promise<{ readonly customer: string; readonly grants: readonly string[] }[]> {
  const rows = await db.query<{ customer: string; grant: string }>(
    `select g.customer, g.id as grant from prepaid_grant g
     where g.tenant = $2
       and (select balance from prepaid_movement m where m."grant" = g.id order by m.position desc limit 1) > 0
       and (exists (select 1 from prepaid_movement m where m."grant" = g.id and m.kind = 'void')
         or g.expires_at <= $1 and not exists (
           select 1 from subscription s join subscription_stage st on st.tenant = s.tenant and st.subscription = s.id and not st.paused
           where s.tenant = g.tenant and s.customer = g.customer and st.from_at < g.expires_at
             and (s.ends_at is null or s.ends_at >= st.from_at)
             and coalesce((select max(i.period_to) from invoice i where i.tenant = s.tenant and i.subscription = s.id and i.kind = 'period'),
                 '-infinity')
               < least(g.expires_at, st.until_at, coalesce(st.ends_at, s.ends_at))))
     order by g.customer, g.id`,
    [new Date(atMs), tenant],
  );
  return [...Map.groupBy(rows, (row) => row.customer)].map(([customer, each]) => ({
    customer,
    grants: each.map((row) => row.grant),
  }));
}

interface AccountRow {
  readonly tenant: string;
  readonly customer: string;
  readonly position: string;
}

export async function ledgersOf(db: SqlExecutor, request: PageRequest): Promise<Page<CustomerLedger>> {
  const [tenant, customer] = request.after === null ? ['', ''] : (JSON.parse(request.after) as [string, string]);
  const accounts = await db.query<AccountRow>(
    `select tenant, customer, position from prepaid_account where (tenant, customer) > ($1, $2) order by tenant, customer limit $3`,
    [tenant, customer, request.limit + 1],
  );
  const shown = accounts.slice(0, request.limit);
  const rows = await db.query<MovementRow>(
    `select m.* from prepaid_movement m
     join unnest($1::text[], $2::text[], $3::bigint[]) as account (tenant, customer, position)
       on account.tenant = m.tenant and account.customer = m.customer and m.position <= account.position
     order by m.tenant, m.customer, m.position`,
    [shown.map((each) => each.tenant), shown.map((each) => each.customer), shown.map((each) => each.position)],
  );
  const byOwner = Map.groupBy(rows, (row) => JSON.stringify([row.tenant, row.customer]));
  const ledger = ({ tenant: owner, customer: of, position }: AccountRow): CustomerLedger => ({
    tenant: owner,
    customer: of,
    position: Number(position),
    movements: (byOwner.get(JSON.stringify([owner, of])) ?? []).map(movement),
  });
  return pageOf(accounts, request, ledger, (row) => JSON.stringify([row.tenant, row.customer]));
}
