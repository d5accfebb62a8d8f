import { add, decimal, ZERO, type Decimal } from '../money/index.ts';
import type { BurnOrder } from './burn-order.ts';
import type { Drawn } from './draw.ts';

/** Units of one grant for one line; below zero: given back. */
export interface UnitsDrawn {
  readonly grant: string;
  readonly name: string;
  /** The rate card of the line. */
  readonly line: string;
  /** Number of the earlier invoice whose usage changed; null for the invoice's own line. */
  readonly adjusts: string | null;
  /** Usage that is not priced because of it, in the meter's unit. */
  readonly quantity: string;
  /** The same in the grant's unit, rounded as it says: what its balance moves by. */
  readonly units: string;
}

/** Money of one grant for one line; below zero: given back. */
export interface CreditApplied {
  readonly grant: string;
  readonly name: string;
  readonly line: string;
  readonly adjusts: string | null;
  readonly amount: string;
}

/** What an invoice took from its customer's grants, and gave back to them. */
export interface PrepaidStatement {
  /** Position of the last movement of the customer's ledger that it knew of. */
  readonly position: number;
  readonly order: BurnOrder;
  readonly units: readonly UnitsDrawn[];
  readonly credits: readonly CreditApplied[];
  /** Sum of the credits: what they take off the total. */
  readonly credited: string;
}

type Entries = Pick<PrepaidStatement, 'units' | 'credits'>;

/** What each grant has paid of a line, with everything that was settled since. `entries`: those of that line only. */
export function drawnUnits(entries: readonly UnitsDrawn[]): Drawn[] {
  return summed(entries.map(({ grant, quantity, units }) => ({ grant, quantity: decimal(quantity), units: decimal(units) })));
}

export function drawnCredits(entries: readonly CreditApplied[]): Drawn[] {
  return summed(entries.map(({ grant, amount }) => ({ grant, quantity: decimal(amount), units: decimal(amount) })));
}

/** The entries of one line: its own invoice's, or those that adjust it. */
export function entriesOf({ units, credits }: Entries, line: string, adjusts: string | null): Entries {
  const isOf = (entry: UnitsDrawn | CreditApplied) => entry.line === line && entry.adjusts === adjusts;
  return { units: units.filter(isOf), credits: credits.filter(isOf) };
}

/** Usage that no price is asked for. */
export function coveredQuantity(drawn: readonly Pick<Drawn, 'quantity'>[]): Decimal {
  return drawn.reduce((sum, { quantity }) => add(sum, quantity), ZERO);
}

function summed(drawn: readonly Drawn[]): Drawn[] {
  return [...Map.groupBy(drawn, ({ grant }) => grant)].map(([grant, each]) => ({
    grant,
    quantity: coveredQuantity(each),
    units: each.reduce((sum, { units }) => add(sum, units), ZERO),
  }));
}
