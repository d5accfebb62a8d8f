import { currencyExponent } from '@meterline/domain/money';
import { modifiersSchema, type Modifiers, priceSchema, type Price, termsFaults, usageNeeds } from '@meterline/domain/prices';
import type { EventValue, PriceInput, UsageGroup } from '@meterline/domain/rating';
import fc from 'fast-check';
import type { Question } from '../oracle/charge.ts';
import { Rational } from '../oracle/rational.ts';
import type { UsageEvent } from '../oracle/usage.ts';
import { modifiers, modifiersByEvent } from './modifiers.ts';
import { units, value } from './numbers.ts';
import { DIMENSIONS, eventPrice, price } from './prices.ts';

export const event: fc.Arbitrary<UsageEvent> = fc
  .tuple(value, fc.constantFrom(...DIMENSIONS.media), fc.constantFrom(...DIMENSIONS.resolution))
  .map(([text, media, resolution]) => ({ value: Rational.parse(text), dimensions: { media, resolution } }));

const currency = fc.constantFrom('USD', 'USD', 'EUR', 'JPY', 'KWD');
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
/** Money in smallest units of the currency: what was billed is never finer. */
const minorUnits = fc.nat(40_000);

export interface Terms {
  readonly price: Price;
  readonly modifiers: Modifiers;
}

/** A price and modifiers that the schemas accept, and that have one meaning together. */
export const terms: fc.Arbitrary<Terms> = fc
  .oneof(
    { weight: 9, arbitrary: fc.record({ price, modifiers }) },
    { weight: 1, arbitrary: fc.record({ price: eventPrice, modifiers: modifiersByEvent }) },
  )
  .map(agreeing)
  .map((made) => ({ price: priceSchema.parse(made.price), modifiers: modifiersSchema.parse(made.modifiers) }));

const seatChange = fc
  .tuple(fc.integer({ min: -30, max: 30 }), fc.nat(28))
  .map(([seats, days]) => ({ seats: Rational.of(seats), days }));

/** A whole billing period. */
export const wholePeriod: fc.Arbitrary<Question> = fc
  .record({ terms, currency, now: fc.array(event, { maxLength: 8 }), carriedUnits: units })
  .map(({ terms: made, carriedUnits, ...usage }) => ({
    ...made,
    ...usage,
    before: [],
    seatChanges: [],
    carriedUnits: Rational.parse(carriedUnits),
    ...{ firstPeriod: true, sharesLimits: true, days: 1, daysInPeriod: 1 },
  }));

/** Any part of a billing period, with what was there before it. */
export const partOfPeriod: fc.Arbitrary<Question> = fc
  .record({
    whole: wholePeriod,
    before: fc.array(event, { maxLength: 5 }),
    position: fc.constantFrom(undefined, 'first' as const, 'middle' as const, 'last' as const),
    previousAmount: optional(minorUnits),
    previousCredits: optional(minorUnits),
    firstPeriod: fc.boolean(),
    sharesLimits: fc.boolean(),
    days: fc.nat(28),
    daysInPeriod: fc.integer({ min: 28, max: 31 }),
    seatChanges: fc.array(seatChange, { maxLength: 3 }),
  })
  .map(({ whole, previousAmount, previousCredits, ...part }) => {
    const unit = Rational.of(1n, 10n ** BigInt(currencyExponent(whole.currency)));
    const money = (count: number | undefined) => (count === undefined ? undefined : Rational.of(count).times(unit));
    const { dimensions, perEvent } = usageNeeds(whole);
    const seatChanges = whole.price.model === 'per_seat' && dimensions.length === 0 && !perEvent ? part.seatChanges : [];
    return { ...whole, ...part, seatChanges, previousAmount: money(previousAmount), previousCredits: money(previousCredits) };
  });

/** What the engine is asked: the events told as finely as the price needs, and no finer. */
export function inputOf(question: Question): PriceInput {
  const { currency: code, price: of, modifiers: changes, before, now, position, previousAmount, previousCredits } = question;
  const told = toldBy({ price: of, modifiers: changes }, now);
  const previous = toldBy({ price: of, modifiers: changes }, before);
  return {
    currency: code,
    price: of,
    modifiers: changes,
    quantity: told.quantity,
    eventsCount: String(told.events),
    groups: told.groups,
    values: told.values,
    seatChanges: question.seatChanges.map(({ seats, days }) => ({ seats: seats.toText(), days })),
    ...(before.length > 0 && {
      previousQuantity: previous.quantity,
      previousEventsCount: String(previous.events),
      previousGroups: previous.groups,
      previousValues: previous.values,
    }),
    previousAmount: previousAmount?.toText(),
    previousCredits: previousCredits?.toText(),
    periodPosition: position,
    carriedUnits: question.carriedUnits.toText(),
    firstPeriod: question.firstPeriod,
    sharesLimits: question.sharesLimits,
    prorationNumerator: question.days,
    prorationDenominator: question.daysInPeriod,
  };
}

export interface Told {
  readonly quantity: string;
  readonly events: number;
  readonly groups?: readonly UsageGroup[] | undefined;
  readonly values?: readonly EventValue[] | undefined;
}

export function toldBy(of: Terms, events: readonly UsageEvent[]): Told {
  const { dimensions: names, perEvent } = usageNeeds(of);
  const heaps = new Map<string, UsageEvent[]>();
  for (const each of events) {
    const key = names.map((name) => each.dimensions[name] ?? '').join('\u0000');
    heaps.set(key, [...(heaps.get(key) ?? []), each]);
  }
  const groups = [...heaps.values()].map((heap) => ({
    dimensions: Object.fromEntries(names.map((name) => [name, heap[0]?.dimensions[name] ?? ''])),
    ...{ quantity: totalOf(heap), events: heap.length },
    ...(perEvent && { values: valuesOf(heap) }),
  }));
  return {
    ...{ quantity: totalOf(events), events: events.length },
    ...(names.length > 0 ? { groups } : perEvent && { values: valuesOf(events) }),
  };
}

function totalOf(events: readonly UsageEvent[]): string {
  return Rational.sum(events.map((each) => each.value)).toText();
}

function valuesOf(events: readonly UsageEvent[]): EventValue[] {
  const counts = new Map<string, number>();
  for (const each of events) counts.set(each.value.toText(), (counts.get(each.value.toText()) ?? 0) + 1);
  return [...counts].map(([text, count]) => ({ value: text, events: count }));
}

/** Without what the schemas refuse beside this price: of a unit conversion its rounding, of all others the modifier. */
function agreeing({ price: of, modifiers: changes }: Terms): Terms {
  const { unitConversion, ...others } = changes;
  const refused = new Set([...termsFaults(of, changes)].map(([[field]]) => field));
  const kept = Object.fromEntries(Object.entries(others).filter(([field]) => !refused.has(field))) as Modifiers;
  if (!unitConversion) return { price: of, modifiers: kept };
  const { rounding: _, ...exact } = unitConversion;
  return { price: of, modifiers: { ...kept, unitConversion: refused.has('unitConversion') ? exact : unitConversion } };
}
