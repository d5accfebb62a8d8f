import * as ratio from '../../money/ratio.ts';
import type { BasicPrice, MatrixPrice } from '../../prices/index.ts';
import { inContext, type Line } from '../line.ts';
import { groupsIn, type Measure, NOTHING, sumOf } from '../measure.ts';
import type { Usage } from '../usage.ts';
import type { Model } from './model.ts';

type Dimensions = Readonly<Record<string, string>>;

/** Usage that is priced together: by one cell (or none), and, with `groupBy`, of one combination of values. */
interface Bucket {
  readonly cell: number;
  readonly dimensions: Dimensions;
  readonly measure: Measure;
}

export interface MatrixModel extends Model {
  /** The groups in the order in which they use up free units and allowances: that of the cells. */
  readonly inOrder: (measure: Measure) => Measure;
}

/** Each group of usage is priced by the first cell that fits it; fees of a cell fall due with its first unit. */
export function matrix(price: MatrixPrice, modelOf: (basic: BasicPrice) => Model): MatrixModel {
  const { dimensions: names, groupBy = [] } = price;
  const cells = price.cells.map((cell) => ({ match: Object.entries(cell.match), model: modelOf(cell.price) }));
  const otherwise = price.default ? modelOf(price.default) : null;
  const modelIn = (cell: number) => cells[cell]?.model ?? otherwise;
  const cellOf = (dimensions: Dimensions) => {
    const found = cells.findIndex(({ match }) => match.every(([name, value]) => fits(value, dimensions[name] ?? '')));
    return found === -1 ? cells.length : found;
  };

  /** What all usage in a bucket has in common: what its cell names, and what the price is split by. */
  const namedBy = (match: readonly [string, string | readonly string[]][], dimensions: Dimensions): Dimensions => {
    const matched = new Map(match.map(([name, value]) => [name, typeof value === 'string' ? value : value.join(' / ')]));
    const valueOf = (name: string) => (groupBy.includes(name) ? (dimensions[name] ?? '') : matched.get(name));
    return Object.fromEntries(
      names.flatMap((name) => {
        const value = valueOf(name);
        return value === undefined ? [] : [[name, value]];
      }),
    );
  };

  const buckets = (measure: Measure): Map<string, Bucket> => {
    const gathered = new Map<string, Bucket>();
    for (const { dimensions, measure: own } of groupsIn(measure)) {
      const cell = cellOf(dimensions);
      const key = JSON.stringify([cell, ...groupBy.map((name) => dimensions[name] ?? '')]);
      const known = gathered.get(key);
      gathered.set(key, known ? { ...known, measure: sumOf(known.measure, own) } : { cell, dimensions, measure: own });
    }
    return gathered;
  };

  const rate = (usage: Usage): Line[] => {
    const [from, to, end] = [buckets(usage.from), buckets(usage.to), buckets(usage.end)];
    const known = [...new Map([...from, ...to, ...end]).entries()].sort(
      ([a, { cell }], [b, { cell: other }]) => cell - other || (a < b ? -1 : 1),
    );
    return known.flatMap(([key, { cell, dimensions }]) => {
      const side = (all: ReadonlyMap<string, Bucket>) => all.get(key)?.measure ?? NOTHING;
      const own: Usage = { ...usage, from: side(from), to: side(to), end: side(end), feesOnUse: true };
      const model = modelIn(cell);
      const group = namedBy(cells[cell]?.match ?? [], dimensions);
      return inContext(model ? model.rate(own) : unpriced(own), { group });
    });
  };

  return {
    rate,
    eventFees: (measure) =>
      [...buckets(measure).values()].flatMap(({ cell, measure: own }) => modelIn(cell)?.eventFees?.(own) ?? []),
    inOrder: (measure) => ({
      ...measure,
      groups: measure.groups && measure.groups.toSorted((a, b) => cellOf(a.dimensions) - cellOf(b.dimensions)),
    }),
  };
}

function fits(expected: string | readonly string[], value: string): boolean {
  return typeof expected === 'string' ? expected === value : expected.includes(value);
}

function unpriced({ from, to }: Usage): Line[] {
  const quantity = ratio.subtract(to.quantity, from.quantity);
  if (ratio.sign(quantity) === 0) return [];
  return [{ kind: 'unpriced', quantity, unitAmount: null, amount: ratio.ZERO, facts: () => ({ type: 'no_price' }) }];
}
