import { add, compare, type Decimal, formatDecimal, isNegative, isZero, negate, subtract, ZERO } from '../money/index.ts';
import { type BurnOrder, compareBurn } from './burn-order.ts';
import { type Drawn, redraw, type Redrawn, type Source } from './draw.ts';
import type { Grant } from './grant.ts';
import { type GrantBalance, moved, type MovementDraft } from './movement.ts';
import type { Slice } from './slice.ts';

/** A customer's grants as the ledger has them at a position. */
export interface PrepaidState {
  /** Of the last movement; 0 without any. */
  readonly position: number;
  readonly order: BurnOrder;
  readonly balances: readonly GrantBalance[];
}

/** One line that asks for prepaid units or money. */
export interface LineDraw {
  readonly line: string;
  readonly adjusts: string | null;
  readonly before: readonly Slice[];
  readonly now: readonly Slice[];
  /** What grants paid of `before`. */
  readonly drawn: readonly Drawn[];
}

export interface LineDrawn extends Redrawn {
  /** How that differs from before. */
  readonly changes: readonly (Drawn & { readonly name: string })[];
}

/**
 * A customer's grants while periods are rated one after the other: each line draws on what those before it left. The movements that
 * this comes to are collected by booking (what will be written down together); nothing is booked here.
 */
export class PrepaidAccount {
  readonly position: number;
  readonly order: BurnOrder;
  readonly #balances: Map<string, GrantBalance>;
  readonly #movements = new Map<string, MovementDraft[]>();

  constructor({ position, order, balances }: PrepaidState) {
    this.position = position;
    this.order = order;
    this.#balances = new Map(
      balances.toSorted((a, b) => compareBurn(order, a.grant, b.grant)).map((balance) => [balance.grant.id, balance]),
    );
  }

  /** Grants of these units, in burn order. */
  unitGrants(meter: string): Grant[] {
    return this.#grants((grant) => grant.units?.meter === meter);
  }

  /** Grants of money in this currency, in burn order. */
  moneyGrants(currency: string): Grant[] {
    return this.#grants((grant) => grant.currency === currency);
  }

  nameOf(grant: string): string {
    return this.#found(grant).grant.name;
  }

  /** Draws what the line needs from these grants, which are in burn order. */
  draw(line: LineDraw, grants: readonly Grant[], booking: string): LineDrawn {
    const sources = grants.flatMap(({ id }): Source[] => {
      const found = this.#balances.get(id);
      return found === undefined ? [] : [{ grant: found.grant, available: availableOf(found) }];
    });
    const redrawn = redraw({ before: line.before, now: line.now, drawn: line.drawn, sources });
    const changes = sources.flatMap(({ grant }) => {
      const change = difference(grant, line.drawn, redrawn.drawn);
      if (isZero(change.quantity) && isZero(change.units)) return [];
      this.#book(change, line, booking);
      return [{ ...change, name: grant.name }];
    });
    return { ...redrawn, changes };
  }

  /** What these bookings come to, in the order they were drawn. */
  movementsOf(booking: string): readonly MovementDraft[] {
    return this.#movements.get(booking) ?? [];
  }

  /** Moves balances as an invoice says that it did: for looking at it again. */
  apply(change: Drawn): void {
    this.#book(change, { line: '', adjusts: null }, '');
  }

  /** What is left of each grant, in burn order. */
  balances(): GrantBalance[] {
    return [...this.#balances.values()];
  }

  #grants(isWanted: (grant: Grant) => boolean): Grant[] {
    return [...this.#balances.values()].map(({ grant }) => grant).filter(isWanted);
  }

  #found(grant: string): GrantBalance {
    const found = this.#balances.get(grant);
    if (found === undefined) throw new Error(`there is no grant ${grant} to draw on`);
    return found;
  }

  #book({ grant, units }: Drawn, { line, adjusts }: Pick<LineDraw, 'line' | 'adjusts'>, booking: string): void {
    const found = this.#found(grant);
    const own = { grant, line, adjusts };
    const missing = subtract(units, found.balance);
    const movements: MovementDraft[] = [];
    if (isNegative(units)) movements.push({ ...own, kind: 'refund', amount: formatDecimal(negate(units)) });
    else if (!isZero(units)) {
      // Usage from before its end takes what had expired.
      if (compare(missing, found.expired) > 0) throw new Error(`${grant} is asked for ${formatDecimal(units)}, more than it has`);
      if (compare(missing, ZERO) > 0) movements.push({ ...own, kind: 'expire', amount: formatDecimal(missing) });
      movements.push({ ...own, kind: 'burn', amount: formatDecimal(negate(units)) });
    }
    this.#balances.set(grant, movements.reduce(moved, found));
    this.#movements.set(booking, [...this.movementsOf(booking), ...movements]);
  }
}

/** What may still be drawn; time decides apart from this. What was withdrawn gives nothing more. */
function availableOf({ balance, expired, voided }: GrantBalance): Decimal {
  return voided ? ZERO : add(balance, expired);
}

function difference(grant: Grant, before: readonly Drawn[], after: readonly Drawn[]): Drawn {
  const was = before.find((each) => each.grant === grant.id);
  const is = after.find((each) => each.grant === grant.id);
  return {
    grant: grant.id,
    quantity: subtract(is?.quantity ?? ZERO, was?.quantity ?? ZERO),
    units: subtract(is?.units ?? ZERO, was?.units ?? ZERO),
  };
}
