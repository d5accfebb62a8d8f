import type { FaultDetail } from '@meterline/domain/faults';
import { countsSeats } from '@meterline/domain/meters';
import { type RateCard, usageNeeds } from '@meterline/domain/prices';
import type { MeterRecord, MeterStore } from '../ports/index.ts';
import { hasEventValues } from '../usage/index.ts';

/** A rate card prices usage of a meter that counts, and filters by dimensions that the meter has. */
export async function meteringFaults(
  cards: readonly RateCard[],
  meters: Pick<MeterStore, 'byKeys'>,
  tenant: string,
): Promise<FaultDetail[]> {
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
  return errors;
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
  const lacking = (rule: string) => ({ path: 'meter', message: `${rule}; "${meter.key}" is ${described(meter)}` });
  if (perEvent && !hasEventValues(meter))
    faults.push(lacking('a price or rounding by single events needs a meter of count or sum without a fold'));
  if (isOfSeats(card.price) && !countsSeats(meter))
    faults.push(
      lacking(
        'a price per seat needs a meter that knows the seats at any time: latest or weighted_sum of unit period, without a fold',
      ),
    );
  return [...faults, ...unplacedSeats(card)];
}

/** Seats are counted over time for a rate card as a whole: beside others they could not be told apart, or would be fees that wait for usage. */
function unplacedSeats({ price, modifiers }: RateCard): FaultDetail[] {
  const { allowance, unitConversion } = modifiers ?? {};
  const own = 'a price per seat must be the price of a rate card by itself';
  const cells =
    price.model === 'matrix' ? price.cells.map((cell, index) => [`price.cells[${index}].price`, cell.price] as const) : [];
  const otherwise = price.model === 'matrix' && price.default ? [['price.default', price.default] as const] : [];
  const within = [...cells, ...otherwise].filter(([, { model }]) => model === 'per_seat').map(([path]) => path);
  const faults: FaultDetail[] = within.map((path) => ({ path, message: `${own}: make a rate card with a filter of it` }));
  if (allowance?.overagePrice && [price, allowance.overagePrice].some(isOfSeats))
    faults.push({
      path: 'modifiers.allowance.overagePrice',
      message: `${own}, without overage: includedSeats says how many cost nothing`,
    });
  if (unitConversion?.weights && isOfSeats(price))
    faults.push({ path: 'modifiers.unitConversion.weights', message: 'must be absent with a price per seat' });
  return faults;
}

function isOfSeats({ model }: RateCard['price']): boolean {
  return model === 'per_seat';
}

function described({ aggregation, fold, level }: MeterRecord): string {
  const unit = level === undefined ? '' : ` of unit ${level.unit}`;
  return fold === undefined ? `${aggregation}${unit}` : `${aggregation}${unit} folded by ${fold.window}`;
}
