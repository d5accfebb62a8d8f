import { isZero, max, min, subtract, ZERO, type Decimal } from '../money/index.ts';

/** Usage (or money charged for it) of whole minutes, of one set of dimension values. Slices of one line never overlap. */
export interface Slice {
  readonly fromMs: number;
  readonly toMs: number;
  /** Values of the dimensions that grants look at. */
  readonly cell: Readonly<Record<string, string>>;
  readonly quantity: Decimal;
}

/** Divides a period at every instant given that lies within it. */
export function intervalsAt(
  instants: readonly number[],
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): { readonly fromMs: number; readonly toMs: number }[] {
  const within = [...new Set(instants)].filter((instant) => instant > fromMs && instant < toMs).sort((a, b) => a - b);
  const edges = [fromMs, ...within, toMs];
  return edges.slice(1).map((edge, index) => ({ fromMs: edges[index] ?? fromMs, toMs: edge }));
}

/** The usage beyond the first `included` units: what a plan includes is used up before any grant. */
export function beyond(included: Decimal, slices: readonly Slice[]): Slice[] {
  let left = included;
  return slices
    .toSorted((a, b) => a.fromMs - b.fromMs || (identityOf(a) < identityOf(b) ? -1 : 1))
    .map((slice) => {
      const skipped = min(left, max(slice.quantity, ZERO));
      left = subtract(left, skipped);
      return { ...slice, quantity: subtract(slice.quantity, skipped) };
    });
}

/** The usage that both know of. Slices of both are cut at the same instants. */
export function still(before: readonly Slice[], now: readonly Slice[]): Slice[] {
  return paired(before, now, (was, is) => min(was, is));
}

/** The usage that came in addition. */
export function added(before: readonly Slice[], now: readonly Slice[]): Slice[] {
  return paired(before, now, (was, is) => max(subtract(is, was), ZERO));
}

function paired(before: readonly Slice[], now: readonly Slice[], combine: (was: Decimal, is: Decimal) => Decimal): Slice[] {
  const was = new Map(before.map((slice) => [identityOf(slice), slice.quantity]));
  return now
    .map((slice) => ({ ...slice, quantity: combine(max(was.get(identityOf(slice)) ?? ZERO, ZERO), max(slice.quantity, ZERO)) }))
    .filter(({ quantity }) => !isZero(quantity));
}

function identityOf({ fromMs, cell }: Slice): string {
  return JSON.stringify([fromMs, Object.entries(cell).sort(([a], [b]) => (a < b ? -1 : 1))]);
}
