import type { SqlExecutor } from '@meterline/pipeline/ports';

/**
 * Locks the tenant's invoice counter and answers the last number: until we commit no invoice of the tenant is issued, and nothing that invoices
 * depend on and that takes this lock changes.
 */
export async function lockIssuing(tx: SqlExecutor, tenant: string): Promise<bigint> {
  await tx.query('insert into invoice_counter (tenant, last_number) values ($1, 0) on conflict do nothing', [tenant]);
  const [row] = await tx.query<{ last_number: string }>('select last_number from invoice_counter where tenant = $1 for update', [
    tenant,
  ]);
  if (row === undefined) throw new Error(`tenant ${tenant} has no invoice counter`);
  return BigInt(row.last_number);
}
