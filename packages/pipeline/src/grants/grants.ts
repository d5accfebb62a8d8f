import { Fault } from '@meterline/domain/faults';
import { decimal, compare } from '@meterline/domain/money';
import type { BurnOrder, Grant } from '@meterline/domain/prepaid';
import { customerUnknown } from '../catalog/index.ts';
import { newId } from '../ids/index.ts';
import type { CustomerStore, MeterStore, PrepaidStore, TenantClock } from '../ports/index.ts';
import { grantFaults, grantOf, type NewGrant } from './new-grant.ts';

export interface GrantPorts {
  readonly prepaid: PrepaidStore;
  readonly customers: Pick<CustomerStore, 'byKey'>;
  readonly meters: Pick<MeterStore, 'byKeys'>;
  readonly clock: TenantClock;
}

/** Gives a customer units or money. Fails with `customer.unknown`, `grant.invalid`, `grant.key_taken`. */
export async function createGrant(ports: GrantPorts, customer: string, input: NewGrant, tenant: string): Promise<Grant> {
  const found = await ports.customers.byKey(customer, tenant);
  if (found === undefined) throw customerUnknown(customer);
  const nowMs = await ports.clock.nowMs(tenant);
  const grant = grantOf(input, { id: newId('grant', nowMs), currency: found.currency, nowMs });
  const [meter] = grant.units === null ? [] : await ports.meters.byKeys([grant.units.meter], tenant);
  const errors = grantFaults(grant, found.currency, meter);
  if (errors.length > 0) throw new Fault('invalid', 'grant.invalid', 'The grant cannot be made like this.', { errors });
  const stored = await ports.prepaid.insertGrant(customer, grant, tenant);
  if (stored === undefined) throw customerUnknown(customer);
  if (stored.id === grant.id || isSame(stored, grant, input)) return stored;
  throw new Fault('conflict', 'grant.key_taken', `Customer "${customer}" has a grant "${input.key}" with other terms.`, {
    errors: [{ path: 'key', message: 'is taken' }],
  });
}

/** Takes what is left of a grant. Fails with `grant.unknown`, `grant.voided`, `grant.nothing_left`. */
export async function voidGrant({ prepaid, clock }: GrantPorts, id: string, tenant: string): Promise<void> {
  switch (await prepaid.voidGrant(id, await clock.nowMs(tenant), tenant)) {
    case 'voided':
      return;
    case 'unknown':
      throw new Fault('not_found', 'grant.unknown', `There is no grant "${id}".`);
    case 'voided_before':
      throw new Fault('conflict', 'grant.voided', 'The grant has been voided already.');
    case 'nothing_left':
      throw new Fault('conflict', 'grant.nothing_left', 'Nothing is left of the grant that could be voided.');
  }
}

/** Fails with `customer.unknown`. */
export async function setBurnOrder({ prepaid }: GrantPorts, customer: string, order: BurnOrder, tenant: string): Promise<void> {
  if (!(await prepaid.setBurnOrder(customer, order, tenant))) throw customerUnknown(customer);
}

/** Whether a grant of this key was asked for like this: an effective date that was left to us is not compared. */
function isSame(stored: Grant, asked: Grant, input: NewGrant): boolean {
  const money = (text: string | null) => decimal(text ?? '0');
  const terms = ({ name, units, currency, priority, expiresAtMs, carryOver }: Grant) =>
    canonical({ name, units, currency, priority, expiresAtMs, carryOver });
  return (
    terms(stored) === terms(asked) &&
    compare(money(stored.amount), money(asked.amount)) === 0 &&
    compare(money(stored.cost), money(asked.cost)) === 0 &&
    (input.effectiveAt === undefined || stored.effectiveAtMs === asked.effectiveAtMs)
  );
}

/** JSON with fields in one order: what comes back from the store has another than what was sent. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
