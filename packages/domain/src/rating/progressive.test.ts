import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add, compare, type Decimal, decimal, formatDecimal, subtract, ZERO } from '../money/index.ts';
import { type Modifiers, modifiersSchema, type Price, priceSchema, termsFaults } from '../prices/index.ts';
import {
  compilePrice,
  type EventValue,
  evaluatePrice,
  evaluationOf,
  type MeteredUsage,
  type PriceEvaluation,
  totalOf,
} from './index.ts';

const text = (units: number, scale: number) => formatDecimal({ units: BigInt(units), scale });
const amount = fc.tuple(fc.nat(2000), fc.nat(4)).map(([units, scale]) => text(units, scale));
const positive = fc.tuple(fc.integer({ min: 1, max: 900 }), fc.nat(2)).map(([units, scale]) => text(units, scale));
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const uppers = fc
  .uniqueArray(fc.integer({ min: 1, max: 300 }), { maxLength: 3 })
  .map((bounds) => bounds.toSorted((a, b) => a - b));
const tiersOf = <T>(field: fc.Arbitrary<T>) =>
  fc
    .tuple(uppers, fc.array(field, { minLength: 4, maxLength: 4 }))
    .map(([bounds, fields]) => [...bounds.map(String), null].map((upTo, index) => ({ upTo, ...(fields[index] as T) })));

const basic: Record<string, fc.Arbitrary<unknown>> = {
  flat: fc.record({ amount, paymentTerm: fc.constantFrom('advance', 'arrears'), interval: fc.constantFrom('period', 'once') }),
  per_unit: fc.record({ unitAmount: amount }),
  graduated: fc.record({ tiers: tiersOf(fc.record({ unitAmount: amount, flatAmount: amount })) }),
  volume: fc.record({ tiers: tiersOf(fc.record({ unitAmount: amount, flatAmount: amount })) }),
  package: fc.record({
    packageSize: positive,
    packageAmount: amount,
    freeUnits: amount,
    blocks: fc.constantFrom('up', 'down', 'prorated'),
  }),
  percentage: fc.record({
    rate: amount,
    fixedAmount: amount,
    freeEvents: maybe(fc.nat(5).map(String)),
    freeAmount: maybe(amount),
    minimumPerEvent: maybe(fc.nat(3).map(String)),
    maximumPerEvent: maybe(fc.integer({ min: 3, max: 9 }).map(String)),
  }),
  graduated_percentage: fc.record({ tiers: tiersOf(fc.record({ rate: amount, flatAmount: amount })) }),
  dynamic: fc.record({ multiplier: amount }),
  per_seat: fc.record({
    seatAmount: amount,
    includedSeats: maybe(amount),
    minimumSeats: maybe(amount),
    paymentTerm: fc.constantFrom('advance', 'arrears'),
  }),
};
const priceOf = (model: string): fc.Arbitrary<Price> =>
  (basic[model] ?? fc.constant({})).map((fields) => priceSchema.parse(withoutAbsent({ model, ...(fields as object) })));
const anyBasic = fc.constantFrom(...Object.keys(basic)).chain(priceOf);
const matrix = fc.tuple(anyBasic, anyBasic, anyBasic, maybe(fc.constant(['media']))).map(([audio, host, other, groupBy]) =>
  priceSchema.parse(
    withoutAbsent({
      model: 'matrix',
      dimensions: ['media', 'role'],
      cells: [
        { match: { media: 'audio' }, price: audio },
        { match: { role: ['host', 'guest'] }, price: host },
      ],
      default: other,
      groupBy,
    }),
  ),
);
const models: [string, fc.Arbitrary<Price>][] = [
  ...Object.keys(basic).map((model): [string, fc.Arbitrary<Price>] => [model, priceOf(model)]),
  ['matrix', matrix],
];

const mode = fc.constantFrom('half_up' as const, 'half_even' as const, 'up' as const, 'down' as const);
const modifiers: fc.Arbitrary<Modifiers> = fc
  .record(
    {
      unitConversion: fc.record(
        {
          operation: fc.constantFrom('divide' as const, 'multiply' as const),
          factor: positive,
          rounding: fc.record({
            mode,
            decimals: fc.integer({ min: -1, max: 2 }),
            scope: fc.constantFrom('event' as const, 'total' as const),
          }),
          weights: fc.record({ dimension: fc.constant('media'), factors: fc.constant({ video: '4', audio: '1.5' }) }),
        },
        { requiredKeys: ['operation', 'factor'] },
      ),
      freeUnits: amount,
      allowance: fc.record({ units: amount, overagePrice: fc.oneof(anyBasic, matrix) }, { requiredKeys: ['units'] }),
      percentOff: fc.nat(100).map(String),
      minimumSpend: fc.nat(50).map(String),
      maximumSpend: fc.integer({ min: 50, max: 300 }).map(String),
      credits: fc.array(positive, { maxLength: 3 }),
      rounding: fc.record({
        mode,
        scope: fc.constantFrom('event' as const, 'line' as const, 'charge' as const, 'invoice' as const, 'cumulative' as const),
      }),
    },
    { requiredKeys: [] },
  )
  .map((given) => modifiersSchema.parse(given));

/** Events of each kind of usage; every account of them adds up. */
const event = fc.record({
  value: fc.tuple(fc.nat(4000), fc.nat(2)).map(([units, scale]) => text(units, scale)),
  media: fc.constantFrom('audio', 'video'),
  role: fc.constantFrom('host', 'viewer'),
});
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

function usageOf(events: readonly Event[]): MeteredUsage {
  const values = (some: readonly Event[]): EventValue[] => some.map(({ value }) => ({ value, events: 1 }));
  const sum = (some: readonly Event[]) => formatDecimal(some.map(({ value }) => decimal(value)).reduce(add, ZERO));
  const groups = [...Map.groupBy(events, ({ media, role }) => `${media} ${role}`).values()].map((some) => ({
    dimensions: { media: some[0]?.media ?? '', role: some[0]?.role ?? '' },
    quantity: sum(some),
    events: some.length,
    values: values(some),
  }));
  return { quantity: sum(events), events: events.length, groups, values: values(events) };
}

function withoutAbsent<T extends object>(given: T): T {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as T;
}

const beforeCredits = ({ amount: priced, charges, discounts }: PriceEvaluation) =>
  subtract(add(decimal(priced), decimal(charges)), decimal(discounts));
const sumOf = (amounts: readonly Decimal[]) => formatDecimal(amounts.reduce(add, ZERO));

describe.each(models)('a period of a %s price', (_model, price) => {
  const terms = fc.tuple(price, modifiers).filter(([of, changes]) => [...termsFaults(of, changes)].length === 0);
  const parts = fc.array(fc.array(event, { maxLength: 4 }), { minLength: 1, maxLength: 4 });

  it('billed as it goes, each time less what was billed, gives exactly what it gives at once, even where usage was withdrawn', () => {
    fc.assert(
      fc.property(terms, parts, ([of, changes], known) => {
        const compiled = compilePrice({ currency: 'USD', price: of, modifiers: changes });
        // What is known of the period each time is any usage at all: it may be less than before.
        const due: Decimal[] = [];
        let [billed, credits] = [ZERO, ZERO];
        for (const [index, events] of known.entries()) {
          const charged = compiled.chargeSoFar({
            usage: usageOf(events),
            previousAmount: formatDecimal(billed),
            previousCredits: formatDecimal(credits),
            periodPosition: index === known.length - 1 ? 'last' : 'first',
          });
          const evaluation = evaluationOf(charged);
          due.push(totalOf(charged));
          billed = add(billed, beforeCredits(evaluation));
          credits = add(credits, decimal(evaluation.credits));
        }
        const whole = compiled.charge({ usage: usageOf(known.at(-1) ?? []) });
        expect(sumOf(due)).toBe(formatDecimal(totalOf(whole)));
      }),
      { numRuns: 150 },
    );
  });

  it('billed in parts with cumulative rounding gives exactly what it gives at once', () => {
    fc.assert(
      fc.property(terms, parts, mode, ([of, { credits: _credits, ...changes }], each, rounding) => {
        const cumulative: Modifiers = { ...changes, rounding: { mode: rounding, scope: 'cumulative' } };
        fc.pre(changes.rounding?.scope !== 'event');
        const totals = each.map((events, index) => {
          const { events: count, ...own } = usageOf(events);
          const before = usageOf(each.slice(0, index).flat());
          return evaluatePrice({
            currency: 'USD',
            price: of,
            modifiers: cumulative,
            ...own,
            eventsCount: String(count),
            previousQuantity: before.quantity,
            previousEventsCount: String(before.events),
            previousGroups: before.groups,
            previousValues: before.values,
            periodPosition: each.length === 1 ? undefined : index === 0 ? 'first' : index === each.length - 1 ? 'last' : 'middle',
          }).total;
        });
        const whole = compilePrice({ currency: 'USD', price: of, modifiers: cumulative }).charge({ usage: usageOf(each.flat()) });
        expect(sumOf(totals.map(decimal))).toBe(formatDecimal(totalOf(whole)));
      }),
      { numRuns: 100 },
    );
  });

  it('does not depend on the order of events, and its lines and parts add up', () => {
    fc.assert(
      fc.property(terms, fc.array(event, { maxLength: 8 }), ([of, changes], events) => {
        const compiled = compilePrice({ currency: 'USD', price: of, modifiers: changes });
        const evaluation = evaluationOf(compiled.charge({ usage: usageOf(events) }));
        expect(evaluationOf(compiled.charge({ usage: usageOf(events.toReversed()) })).total).toBe(evaluation.total);
        const lines = sumOf(evaluation.lines.map((line) => decimal(line.amount)));
        expect(lines).toBe(evaluation.exactAmount);
        const withRounding = add(decimal(lines), decimal(evaluation.rounding?.amount ?? '0'));
        expect(compare(withRounding, decimal(evaluation.total))).toBe(0);
        expect(compare(subtract(beforeCredits(evaluation), decimal(evaluation.credits)), decimal(evaluation.total))).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});
