import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RateCard } from '../prices/index.ts';
import { epochDayOf } from '../time/index.ts';
import { cardsIn, phaseFaults, pricedBy, termsIn } from './in-phase.ts';
import { phasesSchema, type PlanPhase } from './phase.ts';
import { phaseDays, phasesGoingOn, withTrialEnd } from './schedule.ts';

const base: RateCard = { key: 'base', name: 'Base', price: { model: 'flat', amount: '31.00' } };
const setup: RateCard = { key: 'setup', name: 'Setup', price: { model: 'flat', amount: '50.00', interval: 'once' } };
const calls: RateCard = {
  key: 'calls',
  name: 'Calls',
  meter: 'calls',
  price: { model: 'per_unit', unitAmount: '0.01' },
  modifiers: { freeUnits: '100', minimumSpend: '5' },
};
const cards = [base, setup, calls];
const phase = (key: string, lasts: PlanPhase['lasts'], more: Partial<PlanPhase> = {}): PlanPhase => ({
  key,
  name: key,
  lasts,
  ...more,
});
const always = { converts: 'always' } as const;

describe('the days of phases', () => {
  test('months are counted from where they begin: 31 January, 28 February, 31 March', () => {
    const from = epochDayOf(2026, 1, 17);
    const phases = [
      phase('trial', { days: 14 }, { trial: always }),
      phase('one', { months: 1 }),
      phase('two', { months: 1 }),
      phase('three', { days: 3 }),
    ];
    expect(phaseDays(phases, from)).toEqual([
      { key: 'trial', untilDay: epochDayOf(2026, 1, 31), remindDays: 3 },
      { key: 'one', untilDay: epochDayOf(2026, 2, 28), remindDays: null },
      { key: 'two', untilDay: epochDayOf(2026, 3, 31), remindDays: null },
      { key: 'three', untilDay: epochDayOf(2026, 4, 3), remindDays: null },
    ]);
  });

  const lasts = fc.oneof(
    fc.record({ days: fc.integer({ min: 1, max: 60 }) }),
    fc.record({ months: fc.integer({ min: 1, max: 14 }) }),
  );
  test('each begins with the end of the one before it and has a day at least, also behind another end of the trial', () => {
    fc.assert(
      fc.property(
        fc.array(lasts, { minLength: 1, maxLength: 6 }),
        fc.nat(20_000),
        fc.integer({ min: 0, max: 90 }),
        (all, from, moved) => {
          const phases = all.map((each, index) => phase(`p${index}`, each, index === 0 ? { trial: always } : {}));
          const scheduled = phaseDays(phases, from);
          const again = withTrialEnd(phases, scheduled, from + moved);
          expect(again.map(({ key }) => key)).toEqual(scheduled.map(({ key }) => key));
          expect(again[0]?.untilDay).toBe(from + moved);
          for (const days of [scheduled, again.slice(1)])
            days.reduce(
              (before, { untilDay }) => {
                expect(untilDay).toBeGreaterThan(before);
                return untilDay;
              },
              days === scheduled ? from : from + moved,
            );
        },
      ),
    );
  });

  test('another version of the plan goes on with the phases that it knows, up to the first that it does not', () => {
    const scheduled = phaseDays([phase('a', { days: 5 }), phase('b', { days: 5 }), phase('c', { days: 5 })], 100);
    const keys = (known: readonly string[], day: number) =>
      phasesGoingOn(known.map((key) => phase(key, { days: 1 })), scheduled, day).map(({ key }) => key); // prettier-ignore
    expect(keys(['a', 'b', 'c'], 105)).toEqual(['b', 'c']);
    expect(keys(['a', 'c'], 104)).toEqual(['a']);
    expect(keys(['b'], 104)).toEqual([]);
  });
});

describe('what a plan version comes to in a phase', () => {
  test('a rate card has the price of the phase, or a part off its own; others stay', () => {
    const [own, , percent] = cardsIn(
      phase('p', { days: 1 }, { rateCards: [{ key: 'base', price: { model: 'flat', amount: '9.00' } }, { key: 'calls', percentOff: '20' }] }), // prettier-ignore
      cards,
    );
    expect(own).toEqual({ ...base, price: { model: 'flat', amount: '9.00' } });
    expect(percent).toEqual({ ...calls, modifiers: { freeUnits: '100', minimumSpend: '5', percentOff: '20' } });
    expect(cardsIn(phase('p', { days: 1 }), cards)).toEqual(cards);
  });

  test('a trial has no one-time fees but those it names, and what is free is not raised to a minimum', () => {
    const free = cardsIn(phase('p', { days: 1 }, { percentOff: '100', trial: always }), cards);
    expect(free).toEqual([
      { ...base, modifiers: { percentOff: '100' } },
      { ...calls, modifiers: { freeUnits: '100', percentOff: '100' } },
    ]);
    const named = phase('p', { days: 1 }, { rateCards: [{ key: 'setup', percentOff: '50' }], trial: always });
    expect(cardsIn(named, cards)[1]).toEqual({ ...setup, modifiers: { percentOff: '50' } });
  });

  test('it says which cards it prices itself, and its entitlements take the place of those to the same features', () => {
    expect(pricedBy(phase('p', { days: 1 }, { rateCards: [{ key: 'base', percentOff: '5' }] }), cards)).toEqual(['base']);
    expect(pricedBy(phase('p', { days: 1 }, { percentOff: '5' }), cards)).toEqual(['base', 'setup', 'calls']);
    const entitlement = (limit: string) => ({ type: 'metered', limit }) as const;
    const features = [
      { feature: 'calling', entitlement: entitlement('100') },
      { feature: 'export', entitlement: { type: 'boolean' } as const },
    ];
    const trial = phase('p', { days: 1 }, { features: [{ feature: 'calling', entitlement: entitlement('10') }] });
    expect(termsIn(trial, { rateCards: cards, features }).features).toEqual([
      features[1],
      { feature: 'calling', entitlement: entitlement('10') },
    ]);
  });
});

describe('phases that cannot be', () => {
  const faults = (phases: object[]) =>
    phasesSchema.safeParse(phases).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  test.each([
    [[phase('a', {})], '0.lasts: lasts must hold either days or months'],
    [[phase('a', { days: 1 }), phase('a', { days: 1 })], '1.key: "a" is the key of another phase'],
    [[phase('a', { days: 1 }), phase('b', { days: 1 }, { trial: always })], '1.trial: only the first phase can be a trial'],
    [
      [phase('a', { days: 1 }, { rateCards: [{ key: 'base' }] })],
      '0.rateCards.0.price: a rate card of a phase has a price or percentOff',
    ],
    [
      [phase('a', { days: 1 }, { trial: { converts: 'always', otherwise: 'end' } })],
      '0.trial.otherwise: otherwise must be absent where the trial always converts',
    ],
  ])('are refused by field and rule', (phases, message) => {
    expect(faults(phases)).toEqual([message]);
  });

  test('a price has to fit the rate card whose place it takes', () => {
    const wrong = [
      phase('a', { days: 1 }, { rateCards: [{ key: 'calls', price: { model: 'flat', amount: '1' } }] }),
      phase('b', { days: 1 }, { rateCards: [{ key: 'nothing', percentOff: '1' }] }),
      phase('c', { days: 1 }, { rateCards: [{ key: 'base', price: base.price, modifiers: { freeUnits: '1' } }] }),
    ];
    expect(phaseFaults(wrong, cards).map(({ path }) => path)).toEqual([
      'phases[0].rateCards[0].price.model',
      'phases[1].rateCards[0].key',
      'phases[2].rateCards[0].modifiers.freeUnits',
    ]);
  });
});
