import type { BurnOrder, Grant, MovementDraft } from '@meterline/domain/prepaid';
import type { PrepaidBooking, SqlExecutor } from '@meterline/pipeline/ports';

/** Where a customer's ledger is, while it is locked: nothing else is booked for the customer before the transaction ends. */
export interface LockedLedger {
  readonly tenant: string;
  readonly customer: string;
  readonly position: number;
  readonly order: BurnOrder;
}

/** Undefined for a customer that never had a grant. */
export async function lockLedger(tx: SqlExecutor, customer: string, tenant: string): Promise<LockedLedger | undefined> {
  const [row] = await tx.query<{ position: string; burn_order: BurnOrder }>(
    'select position, burn_order from prepaid_account where customer = $1 and tenant = $2 for update',
    [customer, tenant],
  );
  return row && { tenant, customer, position: Number(row.position), order: row.burn_order };
}

/** Locks it and begins it where there is none yet. The customer must exist. */
export async function openLedger(tx: SqlExecutor, customer: string, tenant: string): Promise<LockedLedger> {
  await tx.query(
    `insert into prepaid_account (tenant, customer, position, burn_order) values ($1, $2, 0, 'priority') on conflict do nothing`,
    [tenant, customer],
  );
  const ledger = await lockLedger(tx, customer, tenant);
  if (ledger === undefined) throw new Error(`customer ${customer} has no ledger`);
  return ledger;
}

/** Adds movements in their order. A grant that would be overdrawn is a defect of the caller and fails by the table's check. */
export async function append(
  tx: SqlExecutor,
  ledger: LockedLedger,
  movements: readonly MovementDraft[],
  { invoice, bookedAtMs }: { readonly invoice: string | null; readonly bookedAtMs: number },
): Promise<void> {
  let { position } = ledger;
  for (const { grant, kind, amount, line, adjusts } of movements) {
    position += 1;
    await tx.query(
      `insert into prepaid_movement (tenant, customer, position, "grant", kind, amount, balance, invoice, line, adjusts, booked_at)
       select $1, $2, $3::bigint, $4, $5, $6::numeric, $6::numeric + coalesce(
         (select balance from prepaid_movement where "grant" = $4 order by position desc limit 1), 0), $7, $8, $9, $10::timestamptz`,
      [ledger.tenant, ledger.customer, position, grant, kind, amount, invoice, line, adjusts, new Date(bookedAtMs)],
    );
  }
  if (movements.length === 0) return;
  await tx.query('update prepaid_account set position = $3::bigint where customer = $1 and tenant = $2', [
    ledger.customer,
    ledger.tenant,
    position,
  ]);
}

/** Whether the ledger is where a draft saw it; a draft without a booking saw a customer without grants. */
export function isAsDrafted(ledger: LockedLedger | undefined, booking: PrepaidBooking | null): boolean {
  if (ledger === undefined) return booking === null;
  return booking !== null && booking.position === ledger.position && booking.order === ledger.order;
}

export async function insertGrant(tx: SqlExecutor, { customer, tenant }: LockedLedger, grant: Grant): Promise<boolean> {
  const { units } = grant;
  const inserted = await tx.query(
    `insert into prepaid_grant (id, tenant, customer, key, name, meter, filter, unit_conversion, currency, amount, priority,
       effective_at, expires_at, cost, carry_over, carried_from, created_at)
     values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8::jsonb, $9, $10::numeric, $11, $12, $13, $14::numeric, $15::jsonb, $16, $17)
     on conflict do nothing returning id`,
    [
      ...[grant.id, tenant, customer, grant.key, grant.name, units?.meter ?? null, JSON.stringify(units?.filter ?? {})],
      ...[jsonOrNull(units?.conversion), grant.currency, grant.amount, grant.priority, new Date(grant.effectiveAtMs)],
      ...[dateOrNull(grant.expiresAtMs), grant.cost, jsonOrNull(grant.carryOver), grant.carriedFrom, new Date(grant.createdAtMs)],
    ],
  );
  return inserted.length > 0;
}

/** Writes the grant with its first movement; false where the customer has a grant of that key. */
export async function giveGrant(tx: SqlExecutor, customer: string, grant: Grant, tenant: string): Promise<boolean> {
  const ledger = await openLedger(tx, customer, tenant);
  if (!(await insertGrant(tx, ledger, grant))) return false;
  const first = { grant: grant.id, kind: 'grant', amount: grant.amount, line: null, adjusts: null } as const;
  await append(tx, ledger, [first], { invoice: null, bookedAtMs: grant.createdAtMs });
  return true;
}

function jsonOrNull(value: object | null | undefined): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

function dateOrNull(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
}
