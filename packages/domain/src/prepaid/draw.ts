import { add, compare, isNegative, isZero, max, min, subtract, ZERO, type Decimal } from '../money/index.ts';
import { quantityOf, unitsOf } from './conversion.ts';
import { type Grant, usableWindow } from './grant.ts';
import { added, type Slice, still } from './slice.ts';

/** What one grant pays of one line. Of money both are the same amount. */
export interface Drawn {
  readonly grant: string;
  /** In the meter's unit. */
  readonly quantity: Decimal;
  /** In the grant's unit: what it costs the grant. */
  readonly units: Decimal;
}

/** A grant with what it can still give. */
export interface Source {
  readonly grant: Grant;
  /** In the grant's unit. */
  readonly available: Decimal;
}

export interface Redraw {
  /** The line's usage when it was drawn last; empty if it never was. */
  readonly before: readonly Slice[];
  readonly now: readonly Slice[];
  /** What each grant paid of `before`. */
  readonly drawn: readonly Drawn[];
  /** In burn order. `available` does not hold what `drawn` took. */
  readonly sources: readonly Source[];
}

export interface Redrawn {
  /** What every grant pays of the line in all. */
  readonly drawn: readonly Drawn[];
  /** The usage that no grant pays for; slices may stand there in parts. */
  readonly left: readonly Slice[];
  /** The same as it was before. */
  readonly leftBefore: readonly Slice[];
}

/** What a grant has been asked for in this line: rounded conversions count from the line's first unit, so none is paid twice. */
interface Tap {
  readonly grant: Grant;
  readonly unitsMax: Decimal;
  readonly quantityMax: Decimal | null;
  quantity: Decimal;
  units: Decimal;
}

/**
 * What every grant pays of a line as its usage is known now. What was paid stays with the usage that is still there; usage that was
 * withdrawn gives back what it took, to the grants it took it from, the last in burn order first; usage that came in addition draws in
 * burn order. A grant pays for usage within its time and its filter only, and never gives more than it has.
 */
export function redraw({ before, now, drawn, sources }: Redraw): Redrawn {
  const leftBefore = take(tapsOf(drawn, sources), before);
  const keeping = tapsOf(drawn, sources);
  const leftOfKept = take(keeping, still(before, now));
  const drawing = sources.map(({ grant, available }, index): Tap => {
    const kept = keeping[index];
    return {
      grant,
      unitsMax: add(max(available, ZERO), kept?.unitsMax ?? ZERO),
      quantityMax: null,
      quantity: kept?.quantity ?? ZERO,
      units: kept?.units ?? ZERO,
    };
  });
  const leftOfAdded = take(drawing, added(before, now));
  return {
    drawn: drawing
      .filter(({ quantity, units }) => !isZero(quantity) || !isZero(units))
      .map(({ grant, quantity, units }) => ({ grant: grant.id, quantity, units })),
    left: [...leftOfKept, ...leftOfAdded],
    leftBefore,
  };
}

/** Taps that give again what was drawn, and no more. */
function tapsOf(drawn: readonly Drawn[], sources: readonly Source[]): Tap[] {
  return sources.map(({ grant }) => {
    const own = drawn.find((each) => each.grant === grant.id);
    return { grant, unitsMax: own?.units ?? ZERO, quantityMax: own?.quantity ?? ZERO, quantity: ZERO, units: ZERO };
  });
}

/** Answers what nothing paid for. */
function take(taps: readonly Tap[], slices: readonly Slice[]): Slice[] {
  return slices
    .toSorted((a, b) => a.fromMs - b.fromMs)
    .map((slice) => ({ ...slice, quantity: takeFrom(taps, slice) }))
    .filter(({ quantity }) => !isZero(quantity));
}

function takeFrom(taps: readonly Tap[], slice: Slice): Decimal {
  let left = max(slice.quantity, ZERO);
  for (const tap of taps) {
    if (isZero(left)) break;
    if (!pays(tap.grant, slice)) continue;
    const taken = min(left, most(tap, left));
    if (isZero(taken)) continue;
    tap.quantity = add(tap.quantity, taken);
    tap.units = unitsOf(tap.quantity, conversionOf(tap.grant));
    left = subtract(left, taken);
  }
  return left;
}

/** How much of `wanted` the tap can still give without passing its limits. */
function most({ grant, unitsMax, quantityMax, quantity }: Tap, wanted: Decimal): Decimal {
  const conversion = conversionOf(grant);
  const asked = quantityMax === null ? wanted : min(wanted, subtract(quantityMax, quantity));
  if (compare(unitsOf(add(quantity, asked), conversion), unitsMax) <= 0) return max(asked, ZERO);
  const rest = subtract(quantityOf(unitsMax, conversion), quantity);
  return isNegative(rest) ? ZERO : min(rest, asked);
}

function pays(grant: Grant, { fromMs, toMs, cell }: Slice): boolean {
  const window = usableWindow(grant);
  if (fromMs < window.fromMs || toMs > window.toMs) return false;
  return Object.entries(grant.units?.filter ?? {}).every(([name, values]) => values.includes(cell[name] ?? ''));
}

function conversionOf({ units }: Grant) {
  return units?.conversion ?? null;
}
