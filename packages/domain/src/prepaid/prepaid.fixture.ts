import { decimal, formatDecimal } from '../money/index.ts';
import { PrepaidAccount } from './account.ts';
import type { BurnOrder } from './burn-order.ts';
import type { Drawn } from './draw.ts';
import type { Grant } from './grant.ts';
import { moved, type MovementDraft, newBalance } from './movement.ts';
import type { Slice } from './slice.ts';

export const HOUR_MS = 3_600_000;

/** A pack of `calls` that is always effective, unless said otherwise. */
export function pack(id: string, amount: string, terms: Partial<Grant> = {}): Grant {
  return {
    id,
    key: id,
    name: id,
    units: { meter: 'calls', filter: {}, conversion: null },
    currency: null,
    amount,
    priority: 0,
    effectiveAtMs: 0,
    expiresAtMs: null,
    createdAtMs: 0,
    cost: null,
    carryOver: null,
    carriedFrom: null,
    ...terms,
  };
}

/** Grants that were just given. */
export function accountOf(grants: readonly Grant[], order: BurnOrder = 'priority'): PrepaidAccount {
  const balances = grants.map((grant) => moved(newBalance(grant), { kind: 'grant', amount: grant.amount }));
  return new PrepaidAccount({ position: grants.length, order, balances });
}

/** Usage of one hour. */
export function used(quantity: string, hour = 0, cell: Slice['cell'] = {}): Slice {
  return { fromMs: hour * HOUR_MS, toMs: (hour + 1) * HOUR_MS, cell, quantity: decimal(quantity) };
}

export interface Asked {
  readonly before?: readonly Slice[];
  readonly drawn?: readonly Drawn[];
  readonly line?: string;
}

/** Draws units of `calls`; answers what each grant pays of the line in all. */
export function draw(account: PrepaidAccount, now: readonly Slice[], { before = [], drawn = [], line = 'calls' }: Asked = {}) {
  return account.draw({ line, adjusts: null, before, now, drawn }, account.unitGrants('calls'), 'booking').drawn;
}

export const shown = (drawn: readonly Drawn[]) =>
  Object.fromEntries(
    drawn.map(({ grant, quantity, units }) => [grant, `${formatDecimal(quantity)} for ${formatDecimal(units)}`]),
  );

export const balancesOf = (account: PrepaidAccount) =>
  Object.fromEntries(account.balances().map(({ grant, balance }) => [grant.id, formatDecimal(balance)]));

export const movementsOf = (account: PrepaidAccount) =>
  account.movementsOf('booking').map(({ grant, kind, amount }: MovementDraft) => `${kind} ${grant} ${amount}`);
