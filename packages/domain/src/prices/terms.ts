import type { BasicPrice } from './models/basic.ts';
import type { Modifiers } from './modifiers.ts';
import type { Price } from './price.ts';
import { basicsOf, pricesSingleEvents } from './usage-needs.ts';

const EVENT_MODELS: ReadonlySet<string> = new Set(['per_unit', 'percentage', 'dynamic']);

/** What a price and its modifiers cannot mean together: where, from the modifiers on, and why. */
export function* termsFaults(price: Price, modifiers: Modifiers): Generator<[path: string[], message: string]> {
  const { rounding, freeUnits, allowance } = modifiers;
  const basics = basicsOf(price);
  const singly = rounding?.scope === 'event';
  const other = basics.find(({ model }) => !EVENT_MODELS.has(model));
  if (singly && other) {
    yield [['rounding', 'scope'], `scope event needs a price that an event has by itself, which ${other.model} is not`];
  }
  if (roundsTotal(modifiers.unitConversion) && (singly || basics.some(looksAtEvents))) {
    const message = 'rounding must be of scope event, or absent, before a price or rounding of single events: they must add up';
    yield [['unitConversion', 'rounding'], message];
  }
  const reason = singly ? 'with rounding of scope event' : 'with fees or limits per event, which have freeEvents and freeAmount';
  if (singly || basics.some(feesPerEvent)) {
    if (freeUnits !== undefined) yield [['freeUnits'], `freeUnits must be absent ${reason}`];
    if (allowance) yield [['allowance'], `allowance must be absent ${reason}`];
  }
  if (allowance?.carryOver && [...basics, ...(allowance.overagePrice ? basicsOf(allowance.overagePrice) : [])].some(isOfSeats)) {
    yield [['allowance', 'carryOver'], 'carryOver must be absent with a price per seat: seats are held, and not used up'];
  }
  if (allowance?.overagePrice && basicsOf(allowance.overagePrice).some(feesPerEvent)) {
    yield [
      ['allowance', 'overagePrice'],
      'overagePrice must not have fees or limits per event: which events are beyond is not known',
    ];
  }
}

function isOfSeats({ model }: BasicPrice): boolean {
  return model === 'per_seat';
}

function looksAtEvents(price: BasicPrice): boolean {
  return price.model === 'percentage' && pricesSingleEvents(price);
}

function feesPerEvent(price: BasicPrice): boolean {
  return looksAtEvents(price) || (price.model === 'percentage' && /[1-9]/.test(price.fixedAmount ?? ''));
}

function roundsTotal(conversion: Modifiers['unitConversion']): boolean {
  const { rounding } = conversion ?? {};
  return rounding !== undefined && (typeof rounding === 'string' || rounding.scope !== 'event');
}
