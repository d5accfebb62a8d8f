import type { SqlExecutor } from '@meterline/pipeline/ports';

/** Leaves the row that makes the rating worker look at the customer. */
export async function wakeCustomer(tx: SqlExecutor, customer: string, tenant: string): Promise<void> {
  await tx.query('insert into rating_wakeup (customers, tenant) values ($1::jsonb, $2)', [JSON.stringify([customer]), tenant]);
}
