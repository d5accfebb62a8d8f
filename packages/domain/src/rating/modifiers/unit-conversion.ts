import { powerOfTen } from '../../money/index.ts';
import * as ratio from '../../money/ratio.ts';
import type { Ratio } from '../../money/ratio.ts';
import type { Modifiers } from '../../prices/index.ts';
import type { Step } from '../charge.ts';
import type { Facts } from '../explain/facts.ts';
import { exactText, type Line } from '../line.ts';
import { groupsIn, type Measure, type MeasuredGroup, NOTHING, singleEvents, sumOf } from '../measure.ts';
import { mapUsage, quantityOf, type Usage } from '../usage.ts';

type Conversion = NonNullable<Modifiers['unitConversion']>;
type Rounding = Extract<Facts, { type: 'converted' }>['rounding'];
type Weighing = (measure: Measure) => Measure;

/**
 * Counts usage in another unit. Rounding applies to the usage of the period so far, so parts never pay it twice: to its total, or,
 * where a price by dimensions follows (`byGroup`), to the total of each group.
 */
export function convertUnits(conversion: Conversion, byGroup: boolean): Step {
  const { operation, factor, weights } = conversion;
  const by = factorOf(conversion);
  const rounding = roundingOf(conversion);
  const weigh: Weighing = weights ? weighing(weights) : (measure) => measure;
  const rounded = (quantity: Ratio) => (rounding ? roundTo(quantity, rounding) : quantity);
  const singly = rounding?.scope === 'event';

  const one = (measure: Measure): Measure => {
    const converted = (quantity: Ratio) => ratio.multiply(quantity, by);
    if (!singly) {
      const values = measure.values?.map(({ value, events }) => ({ value: converted(value), events })) ?? null;
      return { ...measure, quantity: rounded(converted(measure.quantity)), values };
    }
    const values = singleEvents(measure).map(({ value, events }) => ({ value: rounded(converted(value)), events }));
    return {
      ...measure,
      quantity: ratio.sum(values.map(({ value, events }) => ratio.multiply(value, ratio.whole(events)))),
      values,
    };
  };
  const convert = (measure: Measure): Measure => {
    const weighed = weigh(measure);
    if (!byGroup) return { ...one(weighed), groups: null };
    const groups = groupsIn(weighed).map((group) => ({ ...group, measure: one(group.measure) }));
    return ofGroups(measure, groups);
  };

  return (charge) => {
    const lines: Line[] = [];
    const portions = charge.portions.map((portion) => {
      const usage = mapUsage(portion.usage, convert);
      if (weights) lines.push(...weighedLines(weights, portion.usage));
      const source = weights ? mapUsage(portion.usage, weigh) : portion.usage;
      const facts = (): Facts => ({ type: 'converted', source: exactText(quantityOf(source)), operation, factor, rounding });
      const quantity = quantityOf(usage);
      const same = ratio.compare(quantity, quantityOf(source)) === 0;
      if (!same) lines.push({ kind: 'conversion', quantity, unitAmount: null, amount: ratio.ZERO, facts });
      return { ...portion, usage };
    });
    return { ...charge, portions, lines: [...charge.lines, ...lines] };
  };
}

function factorOf({ operation, factor }: Conversion): Ratio {
  const read = ratio.read(factor);
  return ratio.reduced(operation === 'multiply' ? read : ratio.divide(ratio.whole(1n), read));
}

function roundTo(quantity: Ratio, { mode, decimals }: NonNullable<Rounding>): Ratio {
  if (decimals >= 0) return ratio.of(ratio.round(quantity, decimals, mode));
  const unit = ratio.whole(powerOfTen(-decimals));
  return ratio.multiply(ratio.of(ratio.round(ratio.divide(quantity, unit), 0, mode)), unit);
}

function roundingOf({ rounding }: Conversion): Rounding {
  if (rounding === undefined) return null;
  const { mode, decimals = 0, scope = 'total' } = typeof rounding === 'string' ? { mode: rounding } : rounding;
  return { mode, decimals, scope };
}

/** Counts each unit as many, by the value of the dimension; the total is that of the groups. */
function weighing(weights: NonNullable<Conversion['weights']>): Weighing {
  const weightOf = weightsOf(weights);
  return (measure) => {
    const groups = groupsIn(measure).map(({ dimensions, measure: own }): MeasuredGroup => {
      const weight = weightOf(dimensions).weight;
      const values = own.values?.map(({ value, events }) => ({ value: ratio.multiply(value, weight), events })) ?? null;
      return { dimensions, measure: { ...own, quantity: ratio.multiply(own.quantity, weight), values } };
    });
    return ofGroups(measure, groups);
  };
}

function weightsOf({ dimension, factors, default: otherwise = '1' }: NonNullable<Conversion['weights']>) {
  const known = new Map(Object.entries(factors).map(([value, factor]) => [value, { factor, weight: ratio.read(factor) }]));
  const other = { factor: otherwise, weight: ratio.read(otherwise) };
  return (dimensions: Readonly<Record<string, string>>) => {
    const value = dimensions[dimension] ?? '';
    return { value, ...(known.get(value) ?? other) };
  };
}

/** One line for each value of the dimension that was used. */
function weighedLines(weights: NonNullable<Conversion['weights']>, { from, to }: Usage): Line[] {
  const weightOf = weightsOf(weights);
  const used = new Map<string, { factor: string; weight: Ratio; quantity: Ratio }>();
  const count = (measure: Measure, sign: (quantity: Ratio) => Ratio) => {
    for (const { dimensions, measure: own } of groupsIn(measure)) {
      const { value, factor, weight } = weightOf(dimensions);
      const before = used.get(value)?.quantity ?? ratio.ZERO;
      used.set(value, { factor, weight, quantity: ratio.add(before, sign(own.quantity)) });
    }
  };
  count(to, (quantity) => quantity);
  count(from, ratio.negate);
  return [...used].flatMap(([value, { factor, weight, quantity }]): Line[] => {
    if (ratio.sign(quantity) === 0) return [];
    const facts = (): Facts => ({ type: 'weighted', value, source: exactText(quantity), factor });
    return [{ kind: 'conversion', quantity: ratio.multiply(quantity, weight), unitAmount: null, amount: ratio.ZERO, facts }];
  });
}

/** The measure as its groups have it now. */
function ofGroups({ events }: Measure, groups: readonly MeasuredGroup[]): Measure {
  const { quantity, values } = groups.map((group) => group.measure).reduce(sumOf, NOTHING);
  return { quantity, events, values, groups };
}
