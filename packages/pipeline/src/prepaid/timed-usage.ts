import { dimensionNames } from '@meterline/domain/meters';
import { add, decimal, type Decimal, ZERO } from '@meterline/domain/money';
import { beyond, type Grant, intervalsAt, quantityOf, type Slice, usableWindow } from '@meterline/domain/prepaid';
import type { RateCard } from '@meterline/domain/prices';
import type { MeteredUsage } from '@meterline/domain/rating';
import type { Cut, UsageQuery, UsageReader } from '../ports/index.ts';
import type { UsageNeed } from '../spend/meter-usage.ts';
import { addsUp } from '../spend/shared-queries.ts';

/** Whether usage can be divided by time and dimension: that of a maximum cannot. */
export function isDivisible({ meter }: UsageNeed): boolean {
  return addsUp(meter);
}

/** Whether packs can cover it: a price that looks at dimensions or single events needs all of its usage. */
export function isCoverable(need: UsageNeed): boolean {
  return isDivisible(need) && !need.detail.perEvent && need.detail.dimensions.length === 0;
}

/** Usage of a card, divided where its price changes, where grants begin and end, and by the dimensions that they look at. */
export interface TimedNeed {
  readonly need: UsageNeed;
  readonly grants: readonly Grant[];
  /** Where each price of the card begins to hold. */
  readonly priceFromMs: readonly number[];
  readonly rateCard: RateCard;
  readonly carriedUnits: string | undefined;
  /** Absent: the cut of this moment, where `known` is the usage of the whole. */
  readonly cut: Cut;
  readonly known: MeteredUsage | null;
}

/** Slices for every need, in order; one statement a cut. What a plan includes is left out: it is used up first. */
export async function timedUsage(reader: UsageReader, needs: readonly TimedNeed[]): Promise<Slice[][]> {
  const plans = needs.map((timed) => ({ timed, queries: queriesOf(timed) }));
  const slices = new Map<TimedNeed, Slice[]>();
  for (const group of Map.groupBy(plans, ({ timed }) => JSON.stringify(timed.cut)).values()) {
    const [first] = group;
    const asked = group.flatMap(({ queries }) => queries ?? []);
    const answer = first === undefined || asked.length === 0 ? [] : (await reader.usageAll(asked, first.timed.cut)).results;
    let next = 0;
    for (const { timed, queries } of group) {
      const rows = queries === null ? [] : answer.slice(next, (next += queries.length)).flat();
      const found = rows.map(({ windowFromMs, windowToMs, group: cell, value }) => {
        return { fromMs: windowFromMs, toMs: windowToMs, cell, quantity: decimal(value) };
      });
      slices.set(timed, beyond(includedUnits(timed), queries === null ? wholeOf(timed) : found));
    }
  }
  return needs.map((timed) => slices.get(timed) ?? []);
}

/** Null where the usage of the whole is known and nothing divides it. */
function queriesOf({ need, grants, priceFromMs, known }: TimedNeed): UsageQuery[] | null {
  const edges = grants.map(usableWindow).flatMap(({ fromMs, toMs }) => [fromMs, toMs]);
  const intervals = intervalsAt([...edges, ...priceFromMs], need);
  const looked = new Set(grants.flatMap(({ units }) => Object.keys(units?.filter ?? {})));
  const groupBy = dimensionNames(need.meter).filter((name) => looked.has(name));
  if (known !== null && intervals.length === 1 && groupBy.length === 0) return null;
  const { meter, subjects, filter } = need;
  if (subjects.length === 0) return [];
  const narrowed = Object.keys(filter).length > 0 && { filter };
  return intervals.map(({ fromMs, toMs }) => ({ meter, fromMs, toMs, subjects, groupBy, ...narrowed }));
}

function wholeOf({ need, known }: TimedNeed): Slice[] {
  return [{ fromMs: need.fromMs, toMs: need.toMs, cell: {}, quantity: decimal(known?.quantity ?? '0') }];
}

/** In the meter's unit. */
function includedUnits({ rateCard: { modifiers }, carriedUnits = '0' }: TimedNeed): Decimal {
  const { allowance, freeUnits = '0', unitConversion = null } = modifiers ?? {};
  const granted = allowance ? add(decimal(allowance.units), decimal(carriedUnits)) : ZERO;
  return quantityOf(add(decimal(freeUnits), granted), unitConversion);
}
