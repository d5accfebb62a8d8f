import { Fault, type FaultDetail } from '@meterline/domain/faults';
import { type RateCard, usageNeeds } from '@meterline/domain/prices';
import type { MeterRecord, MeterStore } from '../ports/index.ts';
import { hasEventValues } from '../usage/index.ts';

/** A rate card prices usage of a meter that counts, and filters by dimensions that the meter has. */
export async function refuseUnmetered(cards: readonly RateCard[], meters: MeterStore, tenant: string): Promise<void> {
  const keys = new Set(cards.flatMap((card) => card.meter ?? []));
  const known = new Map((await meters.byKeys([...keys], tenant)).map((meter) => [meter.key, meter]));
  const errors: FaultDetail[] = [];
  for (const [index, card] of cards.entries()) {
    if (card.meter === undefined) continue;
    const meter = known.get(card.meter);
    const path = `rateCards[${index}]`;
    if (meter === undefined) errors.push({ path: `${path}.meter`, message: `there is no meter "${card.meter}"` });
    else if (meter.archivedAtMs !== null) errors.push({ path: `${path}.meter`, message: `meter "${card.meter}" is archived` });
    else {
      errors.push(...misfits(card, meter).map(({ path: field, message }) => ({ path: `${path}.${field}`, message })));
    }
  }
  if (errors.length > 0) throw new Fault('invalid', 'plan.rate_card_invalid', 'A rate card does not fit the meters.', { errors });
}

/** What a rate card asks of its meter that the meter cannot tell. */
export function misfits(card: RateCard, meter: MeterRecord): FaultDetail[] {
  const { dimensions, perEvent } = usageNeeds(card);
  const unknown = (path: (name: string) => string) => (name: string) =>
    Object.hasOwn(meter.dimensions, name)
      ? []
      : [{ path: path(name), message: `meter "${meter.key}" has no dimension "${name}"` }];
  const faults = [
    ...Object.keys(card.filter ?? {}).flatMap(unknown((name) => `filter.${name}`)),
    ...dimensions.flatMap(unknown(() => 'price')),
  ];
  if (!perEvent || hasEventValues(meter)) return faults;
  const rule = 'a price or rounding by single events needs a meter of count or sum without a fold';
  return [...faults, { path: 'meter', message: `${rule}; "${meter.key}" is ${described(meter)}` }];
}

function described({ aggregation, fold }: MeterRecord): string {
  return fold === undefined ? aggregation : `${aggregation} folded by ${fold.window}`;
}
