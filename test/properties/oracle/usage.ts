import type { Modifiers, Price } from '@meterline/domain/prices';
import { Rational } from './rational.ts';

type Dimensions = Readonly<Record<string, string>>;

/** One event as it was sent: all that the oracle starts from. */
export interface UsageEvent {
  readonly value: Rational;
  readonly dimensions: Dimensions;
}

/** Events that are counted together: all of a price, or those of one combination of the dimensions that a matrix asks for. */
export interface Pile {
  readonly dimensions: Dimensions;
  readonly quantity: Rational;
  /** What each event became by the unit conversion. */
  readonly values: readonly Rational[];
}

/** Heaps the events up, each converted, every heap rounded if the conversion says so, in the order in which they use up free units. */
export function pilesOf(events: readonly UsageEvent[], price: Price, modifiers: Modifiers): Pile[] {
  const matrix = [price, modifiers.allowance?.overagePrice].find((each) => each?.model === 'matrix');
  const names = new Set(matrix ? namesIn(price, modifiers) : []);
  const heaps = new Map<string, UsageEvent[]>();
  for (const event of events) {
    const key = [...names].map((name) => event.dimensions[name] ?? '').join('\u0000');
    heaps.set(key, [...(heaps.get(key) ?? []), event]);
  }
  const piles = [...heaps.values()].map((heap): Pile => {
    const dimensions = Object.fromEntries([...names].map((name) => [name, heap[0]?.dimensions[name] ?? '']));
    return { dimensions, ...converted(heap, modifiers.unitConversion) };
  });
  const rank = ({ dimensions }: Pile) => (matrix?.model === 'matrix' ? cellIndex(matrix.cells, dimensions) : 0);
  const label = ({ dimensions }: Pile) => Object.values(dimensions).join('\u0000');
  return piles.sort((a, b) => rank(a) - rank(b) || (label(a) < label(b) ? -1 : 1));
}

function namesIn(price: Price, { unitConversion, allowance }: Modifiers): string[] {
  const prices = [price, allowance?.overagePrice].flatMap((each) => (each?.model === 'matrix' ? each.dimensions : []));
  return [...new Set([...prices, ...(unitConversion?.weights ? [unitConversion.weights.dimension] : [])])].sort();
}

/** The cell that prices usage of these dimension values: the first that fits; one beyond the last where none does. */
export function cellIndex(
  cells: readonly { readonly match: Readonly<Record<string, string | string[]>> }[],
  dimensions: Dimensions,
): number {
  const index = cells.findIndex(({ match }) =>
    Object.entries(match).every(([name, wanted]) => [wanted].flat().includes(dimensions[name] ?? '')),
  );
  return index < 0 ? cells.length : index;
}

function converted(
  events: readonly UsageEvent[],
  conversion: Modifiers['unitConversion'],
): { quantity: Rational; values: Rational[] } {
  if (!conversion) {
    const values = events.map(({ value }) => value);
    return { values, quantity: Rational.sum(values) };
  }
  const { operation, weights, rounding } = conversion;
  const factor = Rational.parse(conversion.factor);
  const rule = typeof rounding === 'string' ? { mode: rounding } : rounding;
  const round = (quantity: Rational) => (rule ? quantity.rounded(rule.decimals ?? 0, rule.mode) : quantity);
  const singly = rule?.scope === 'event';
  const values = events.map(({ value, dimensions }) => {
    const weight = weights
      ? Rational.parse(weights.factors[dimensions[weights.dimension] ?? ''] ?? weights.default ?? '1')
      : Rational.ONE;
    const weighed = value.times(weight);
    const counted = operation === 'multiply' ? weighed.times(factor) : weighed.over(factor);
    return singly ? round(counted) : counted;
  });
  return { values, quantity: singly ? Rational.sum(values) : round(Rational.sum(values)) };
}

/** Takes the first `units` from the piles, pile by pile. */
export function cutAt(piles: readonly Pile[], units: Rational): { within: Pile[]; beyond: Pile[] } {
  let left = units;
  const within: Pile[] = [];
  const beyond: Pile[] = [];
  for (const pile of piles) {
    const taken = pile.quantity.least(left);
    left = left.minus(taken);
    within.push({ ...pile, quantity: taken });
    beyond.push({ ...pile, quantity: pile.quantity.minus(taken) });
  }
  return { within, beyond };
}
