import type { Meter } from '../meters/index.ts';
import { compare, decimal } from '../money/index.ts';
import * as ratio from '../money/ratio.ts';
import type { BillingMonth } from './billing-months.ts';
import { percentOf, percentText } from './percent.ts';
import { type Scaling, scalingOf } from './scale.ts';
import { type Trend, trendOf } from './trend.ts';

/** What a meter read in each month. Decimal text. */
export interface MeteredMonths {
  readonly meter: Pick<Meter, 'key' | 'name' | 'aggregation' | 'fold'>;
  readonly months: readonly string[];
  /** Local days with usage; null where they were not read. */
  readonly days: readonly { readonly fromMs: number; readonly quantity: string }[] | null;
}

export interface MeterMonths extends Omit<MeteredMonths, 'days'> {
  /** Null without usage. */
  readonly peakMonth: { readonly fromMs: number; readonly quantity: string } | null;
  /** Null without usage, or where days were not read. `percentOfMonth` is null for what is no share of its month (a peak, unique users). */
  readonly peakDay: { readonly fromMs: number; readonly quantity: string; readonly percentOfMonth: string | null } | null;
  readonly trend: Trend | null;
  readonly scaling: Scaling;
}

/** Peaks and trend over the months. Of equal peaks the earliest counts. */
export function meterMonths(metered: MeteredMonths, months: readonly BillingMonth[]): MeterMonths {
  const { days, ...shown } = metered;
  const quantities = months.map(({ fromMs }, index) => ({ fromMs, quantity: metered.months[index] ?? '0' }));
  return {
    ...shown,
    peakMonth: highest(quantities) ?? null,
    peakDay: peakDayOf(metered, months),
    trend: trendOf(metered.months),
    scaling: scalingOf(metered.meter),
  };
}

function peakDayOf(metered: MeteredMonths, months: readonly BillingMonth[]): MeterMonths['peakDay'] {
  const [first] = months;
  const day = highest((metered.days ?? []).filter(({ fromMs }) => first !== undefined && fromMs >= first.fromMs));
  if (day === undefined) return null;
  const index = months.findIndex(({ fromMs, toMs }) => fromMs <= day.fromMs && day.fromMs < toMs);
  const month = ratio.of(decimal(metered.months[index] ?? '0'));
  const isShare = scalingOf(metered.meter) === 'exact' && ratio.sign(month) > 0;
  return { ...day, percentOfMonth: isShare ? percentText(percentOf(ratio.of(decimal(day.quantity)), month)) : null };
}

/** The first of the highest above zero. */
function highest<Item extends { readonly quantity: string }>(items: readonly Item[]): Item | undefined {
  let peak: Item | undefined;
  for (const item of items) {
    if (compare(decimal(item.quantity), decimal(peak?.quantity ?? '0')) > 0) peak = item;
  }
  return peak;
}
