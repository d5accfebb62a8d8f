import { add, type Decimal, subtract, ZERO } from '@meterline/domain/money';
import { type Grant, type GrantBalance, isEffectiveAt } from '@meterline/domain/prepaid';
import { customerUnknown } from '../catalog/index.ts';
import type { CustomerStore, PrepaidStore } from '../ports/index.ts';
import { spendOf, type RatingPorts } from '../spend/index.ts';

export interface BalancePorts extends RatingPorts {
  readonly prepaid: PrepaidStore;
  readonly customers: Pick<CustomerStore, 'byKey'>;
}

/** `used`: nothing is left, and it has not expired. */
export type GrantState = 'scheduled' | 'active' | 'used' | 'expired' | 'voided';

export interface ShownBalance {
  readonly grant: Grant;
  readonly state: GrantState;
  /** As the ledger has it. */
  readonly balance: Decimal;
  /** What usage that is not invoiced yet takes. */
  readonly pending: Decimal;
  /** What can still be used at that instant. */
  readonly available: Decimal;
}

/** Grants that count the same, together: money, or units of the same usage. */
export interface BalanceTotal extends Pick<Grant, 'units' | 'currency'> {
  readonly balance: Decimal;
  readonly pending: Decimal;
  readonly available: Decimal;
}

export interface CustomerBalances {
  readonly customer: string;
  readonly atMs: number;
  /** Of the ledger. */
  readonly position: number;
  /** Now in burn order; as of an earlier instant the oldest first. */
  readonly grants: readonly ShownBalance[];
  readonly totals: readonly BalanceTotal[];
}

/** Balances now, with what usage that is not invoiced yet takes. Fails with `customer.unknown`. */
export async function balancesNow(
  ports: BalancePorts,
  customer: string,
  nowMs: number,
  tenant: string,
): Promise<CustomerBalances> {
  const { prepaid } = await spendOf(ports, customer, nowMs, tenant);
  const grants = (prepaid?.grants ?? []).map(({ grant, booked, left, voided }) =>
    shown({ grant, balance: booked, voided }, subtract(booked, left), nowMs),
  );
  return { customer, atMs: nowMs, position: prepaid?.position ?? 0, grants, totals: totalsOf(grants) };
}

/** Balances as they were written down by an earlier instant: what was not invoiced by then is not in them. Fails with `customer.unknown`. */
export async function balancesAt(ports: BalancePorts, customer: string, atMs: number, tenant: string): Promise<CustomerBalances> {
  if ((await ports.customers.byKey(customer, tenant)) === undefined) throw customerUnknown(customer);
  const position = await ports.prepaid.positionAt(customer, atMs, tenant);
  const balances = await ports.prepaid.prepaidAt(customer, position, tenant);
  const grants = balances.map((balance) => shown(balance, ZERO, atMs));
  return { customer, atMs, position, grants, totals: totalsOf(grants) };
}

function shown(
  { grant, balance, voided }: Pick<GrantBalance, 'grant' | 'balance' | 'voided'>,
  pending: Decimal,
  atMs: number,
): ShownBalance {
  const left = subtract(balance, pending);
  const state = stateOf(grant, voided, left, atMs);
  return { grant, state, balance, pending, available: state === 'active' ? left : ZERO };
}

function stateOf(grant: Grant, voided: boolean, left: Decimal, atMs: number): GrantState {
  if (voided) return 'voided';
  if (grant.effectiveAtMs > atMs) return 'scheduled';
  if (!isEffectiveAt(grant, atMs)) return 'expired';
  return left.units > 0n ? 'active' : 'used';
}

function totalsOf(grants: readonly ShownBalance[]): BalanceTotal[] {
  const groups = Map.groupBy(grants, ({ grant }) => JSON.stringify([grant.units, grant.currency]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const sum = (of: (balance: ShownBalance) => Decimal) => group.map(of).reduce(add, ZERO);
    const { units, currency } = first.grant;
    return {
      units,
      currency,
      balance: sum(({ balance }) => balance),
      pending: sum(({ pending }) => pending),
      available: sum(({ available }) => available),
    };
  });
}
