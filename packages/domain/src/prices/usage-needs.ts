import type { BasicPrice } from './models/basic.ts';
import type { PercentagePrice } from './models/percentage.ts';
import type { Modifiers } from './modifiers.ts';
import type { Price } from './price.ts';

/** How finely the usage of a rate card must be told to be priced; see `MeteredUsage`. */
export interface UsageNeeds {
  /** Dimensions of the meter to split the usage by, each once, in a stable order; empty: the total is enough. */
  readonly dimensions: readonly string[];
  /** The values of single events are needed, of each group where the usage is split. */
  readonly perEvent: boolean;
}

interface Terms {
  readonly price: Price;
  readonly modifiers?: Modifiers | undefined;
}

/** What the price of a rate card, its overage price and its modifiers need to know of usage beside its quantity. */
export function usageNeeds({ price, modifiers = {} }: Terms): UsageNeeds {
  const { unitConversion, allowance, rounding } = modifiers;
  const prices = [price, ...(allowance?.overagePrice ? [allowance.overagePrice] : [])];
  const conversion = typeof unitConversion?.rounding === 'object' ? unitConversion.rounding : undefined;
  const dimensions = [
    ...prices.flatMap((each) => (each.model === 'matrix' ? each.dimensions : [])),
    ...(unitConversion?.weights ? [unitConversion.weights.dimension] : []),
  ];
  return {
    dimensions: [...new Set(dimensions)].sort(),
    perEvent: rounding?.scope === 'event' || conversion?.scope === 'event' || prices.some(pricesEvents),
  };
}

/** Whether what an event costs depends on its own value, beyond its share of the sum. */
export function pricesSingleEvents({
  freeEvents,
  freeAmount,
  fixedAmount,
  minimumPerEvent,
  maximumPerEvent,
}: PercentagePrice): boolean {
  const given = (text: string | null | undefined) => text != null && /[1-9]/.test(text);
  return given(freeEvents) || (given(freeAmount) && given(fixedAmount)) || minimumPerEvent != null || maximumPerEvent != null;
}

function pricesEvents(price: Price): boolean {
  return basicsOf(price).some((each) => each.model === 'percentage' && pricesSingleEvents(each));
}

/** The price itself, or those it holds. */
export function basicsOf(price: Price): readonly BasicPrice[] {
  if (price.model !== 'matrix') return [price];
  return [...price.cells.map((cell) => cell.price), ...(price.default ? [price.default] : [])];
}
