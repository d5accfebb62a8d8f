import type { Commitment } from '@meterline/domain/commitments';
import { UNUSED_TIME } from '@meterline/domain/invoices';
import type { PlanPhase } from '@meterline/domain/phases';
import type { Price } from '@meterline/domain/prices';
import type { BillingCadence } from '@meterline/domain/subscriptions';
import { newPlanSchema } from '@meterline/pipeline/catalog';
import type { PlanDraft } from '@meterline/pipeline/ports';
import type { ChangeRequest } from '@meterline/pipeline/subscription-changes';
import fc from 'fast-check';

const DAY_MS = 86_400_000;
export const PLAN_KEYS = ['one', 'two', 'three'] as const;
type PlanKey = (typeof PLAN_KEYS)[number];

/** With changes of the clocks, days that begin elsewhere, and a midnight that there is not every year. */
const timezone = fc.constantFrom(
  ...['UTC', 'America/New_York', 'Europe/Berlin', 'Asia/Kolkata', 'Pacific/Apia', 'Asia/Beirut', 'America/Santiago'],
);
/** Through a leap day, and two changes of the clocks. */
const startsAtMs = fc.integer({ min: 0, max: 420 * 24 }).map((hours) => Date.parse('2023-12-01T00:00:00Z') + hours * 3_600_000);

const cents = (max: number) => fc.integer({ min: 1, max }).map((minor) => (minor / 100).toFixed(2));
const fee = fc.oneof(
  cents(10_000),
  fc.integer({ min: 1, max: 99_999 }).map((thousandths) => (thousandths / 1000).toFixed(3)),
);
const term = fc.constantFrom('advance' as const, 'advance' as const, 'arrears' as const);
const maybe = <T>(arbitrary: fc.Arbitrary<T>, freq = 2) => fc.option(arbitrary, { nil: undefined, freq });

const usagePrice = fc.constantFrom<Price>(
  { model: 'per_unit', unitAmount: '0' },
  { model: 'per_unit', unitAmount: '0.0137' },
  { model: 'graduated', tiers: [{ upTo: '40', unitAmount: '0.1', flatAmount: '1' }, { upTo: null, unitAmount: '0.033' }] }, // prettier-ignore
  {
    model: 'volume',
    tiers: [
      { upTo: '90', unitAmount: '0.2' },
      { upTo: null, unitAmount: '0.15' },
    ],
  },
  { model: 'package', packageSize: '25', packageAmount: '0.77', freeUnits: '10' },
);
const usageModifiers = fc.record({
  allowance: maybe(
    fc.record({
      units: fc.constantFrom('10', '100'),
      carryOver: fc.constantFrom(undefined, undefined, { maximumUnits: '30' }),
      overagePrice: fc.constantFrom(undefined, undefined, { model: 'per_unit', unitAmount: '0.41' } as const),
    }),
    1,
  ),
  minimumSpend: maybe(cents(500), 1),
  maximumSpend: maybe(fc.constantFrom('20', '30.01'), 1),
});
const commitment = fc.oneof<[fc.WeightedArbitrary<Commitment | null>, ...fc.WeightedArbitrary<Commitment | null>[]]>(
  { weight: 3, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: cents(3_000).map((minimumSpend) => ({ minimumSpend, every: 'period' })) },
  { weight: 1, arbitrary: fc.constant({ maximumSpend: '60', every: 'period' }) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('term_end' as const, 'in_advance' as const)
      .map((trueUp) => ({ minimumSpend: '40', every: 'period', trueUp })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('period_end' as const, 'term_end' as const)
      .map((trueUp) => ({ minimumSpend: '300', every: 'year', trueUp })),
  },
);

const introLasts = fc.oneof(
  fc.integer({ min: 1, max: 40 }).map((days) => ({ days })),
  fc.integer({ min: 1, max: 2 }).map((months) => ({ months })),
);
const intro: fc.Arbitrary<PlanPhase> = fc
  .tuple(introLasts, fc.constantFrom({ percentOff: '50' }, { rateCards: [{ key: 'base', price: { model: 'flat', amount: '3.33' } }] } as const)) // prettier-ignore
  .map(([lasts, prices]) => ({ key: 'intro', name: 'Intro', lasts, ...(JSON.parse(JSON.stringify(prices)) as Partial<PlanPhase>) })); // prettier-ignore
const trial: fc.Arbitrary<PlanPhase> = fc
  .tuple(
    fc.integer({ min: 1, max: 21 }),
    fc.constantFrom<NonNullable<PlanPhase['trial']>>(
      { converts: 'always' },
      { converts: 'on_request' },
      { converts: 'on_request', otherwise: { plan: 'three' } },
    ),
  ) // prettier-ignore
  .map(([days, decided]) => ({ key: 'trial', name: 'Trial', lasts: { days }, percentOff: '100', trial: decided }));
const phases = fc.oneof<[fc.WeightedArbitrary<PlanPhase[]>, ...fc.WeightedArbitrary<PlanPhase[]>[]]>(
  { weight: 5, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: trial.map((own) => [own]) },
  { weight: 1, arbitrary: intro.map((own) => [own]) },
  { weight: 1, arbitrary: fc.tuple(trial, intro) },
);

const shortCadence = fc.record({ every: fc.constantFrom('week' as const, 'month' as const, 'month' as const) });
const longCadence = fc
  .record({
    every: fc.constantFrom('quarter' as const, 'quarter' as const, 'half_year' as const, 'year' as const),
    usageEvery: fc.constantFrom(undefined, 'month' as const, 'month' as const, 'quarter' as const),
  })
  .map(({ every, usageEvery }) => (every === usageEvery ? { every } : { every, usageEvery }));

const planTerms = (cadence: fc.Arbitrary<Pick<BillingCadence, 'every' | 'usageEvery'>>) =>
  fc.record({
    cadence,
    anchor: fc.constantFrom('calendar' as const, 'anniversary' as const),
    proration: fc.constantFrom('day' as const, 'second' as const, 'none' as const),
    base: fc.record({ amount: fee, paymentTerm: term }),
    once: maybe(fc.record({ amount: cents(5_000), paymentTerm: term, interval: fc.constant('once' as const) }), 1),
    addOn: fc.record({ amount: fee, paymentTerm: term }),
    seats: maybe(fc.record({ seatAmount: fee, minimumSeats: maybe(fc.constant('2')), paymentTerm: term }), 1),
    usage: fc.tuple(usagePrice, usageModifiers),
    commitment,
    unusedTime: fc.constantFrom(...UNUSED_TIME),
    changeFee: maybe(cents(500), 1),
    invoiceThresholds: fc.constantFrom(undefined, undefined, undefined, { steps: ['2', '10'] }, { thenEvery: '5' }),
    upgrade: fc.constantFrom('prorated' as const, 'full_price' as const),
    phases,
  });
export type PlanTerms = ReturnType<typeof planTerms> extends fc.Arbitrary<infer T> ? T : never;

const alike = (cadence: Parameters<typeof planTerms>[0]) => fc.tuple(planTerms(cadence), planTerms(cadence), planTerms(cadence));
/** Their periods are of about the same length: so a preview shows a handful of them. */
const threePlans = fc.oneof({ weight: 3, arbitrary: alike(shortCadence) }, { weight: 1, arbitrary: alike(longCadence) });

/** As a vendor could make it: refused ones are a fault of this file. */
export function planDraft(key: PlanKey, terms: PlanTerms): PlanDraft {
  const { cadence, anchor, proration, base, once, addOn, seats, usage, unusedTime, changeFee, upgrade, invoiceThresholds } =
    terms;
  const [price, modifiers] = usage;
  const flat = (card: string, of: object | undefined) =>
    of === undefined ? [] : [{ key: card, name: card, price: { model: 'flat', ...of } }];
  const draft = {
    ...{ key, name: key, currency: 'USD', billingPeriod: { ...cadence, anchor, proration } },
    rateCards: [
      ...flat('base', base),
      ...flat('once', once),
      ...flat('addon', addOn),
      ...(seats === undefined ? [] : [{ key: 'seats', name: 'seats', meter: 'seats', price: { model: 'per_seat', ...seats } }]),
      { key: 'calls', name: 'calls', meter: 'calls', price, modifiers },
    ],
    ...(terms.commitment !== null && { commitment: terms.commitment }),
    unusedTime,
    changeRules: { upgrade, changeFee },
    invoiceThresholds,
    phases: terms.phases.map((phase) => (key === 'three' && phase.trial ? { ...phase, trial: { converts: 'always' } } : phase)),
  };
  return newPlanSchema.parse(JSON.parse(JSON.stringify(draft)));
}

const quantities = fc.dictionary(fc.constantFrom('base', 'addon'), fc.constantFrom('0', '1', '2', '5'), { minKeys: 1, maxKeys: 2 }); // prettier-ignore
const plan = fc.constantFrom(...PLAN_KEYS);
const isRest = fc.constantFrom('pause' as const, 'resume' as const, 'cancel' as const);
const change = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('plan' as const), plan, trial: fc.constantFrom(undefined, undefined, undefined, true, false), quantities: maybe(quantities, 1) }) }, // prettier-ignore
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('quantity' as const), quantities }) },
  { weight: 4, arbitrary: fc.record({ kind: isRest }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('resubscribe' as const), plan: maybe(plan, 1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('trial' as const), ends: fc.constantFrom('now' as const, 4, undefined) }) }, // prettier-ignore
);
const when = fc.oneof(
  { weight: 6, arbitrary: fc.constant('now' as const) },
  { weight: 2, arbitrary: fc.constant('period_end' as const) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 40 }) },
);

/** Something that is asked for some time after what came before. Days are counted from then. */
const asked = { change, when, lastsDays: fc.option(fc.integer({ min: 1, max: 60 }), { freq: 1 }) };
/** A change that may be asked for; whether it can be made is not known. Days are counted from then. */
const request = fc.record(asked);
export type Asked = typeof request extends fc.Arbitrary<infer T> ? T : never;

const mostly = fc.constantFrom(true, true, true, false);
const goesBy = {
  afterHours: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 25 * 24 })),
  calls: fc.integer({ min: 0, max: 150 }),
  seats: maybe(fc.constantFrom('1', '3', '8'), 1),
};
/** Time that goes by with usage. */
const pause = fc.record(goesBy);
export type Pause = typeof pause extends fc.Arbitrary<infer T> ? T : never;
/** And then something that is asked for, or withdrawn, and perhaps billed. */
const step = fc.record({
  ...goesBy,
  ...asked,
  /** Another list price of the fee of a plan. */
  repriced: fc.option(fc.record({ plan, amount: fee, inDays: fc.integer({ min: 0, max: 30 }) }), { nil: null, freq: 1 }),
  billed: mostly,
  withdrawn: fc.constantFrom(false, false, false, true),
});
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

export function requestOf({ change: asked, when: at, lastsDays }: Asked, nowMs: number): ChangeRequest {
  const inDays = (days: number) => new Date(nowMs + days * DAY_MS).toISOString();
  if (asked.kind === 'trial') {
    const ends = typeof asked.ends === 'number' ? inDays(asked.ends) : asked.ends;
    return ends === undefined ? { kind: 'trial', converts: true } : { kind: 'trial', ends };
  }
  const timing = { at: typeof at === 'number' ? inDays(at) : at };
  const lasts = asked.kind === 'plan' || asked.kind === 'quantity' || asked.kind === 'pause';
  return { ...asked, ...timing, ...(lasts && lastsDays !== null && { until: inDays(40 + lastsDays) }) };
} // prettier-ignore

const agreedPrice = fc.oneof(
  fc.record({ rateCard: fc.constantFrom('base' as const, 'calls' as const), modifiers: fc.constantFrom({ percentOff: '10' }, { percentOff: '100' }) }),
  fc.record({ rateCard: fc.constant('base' as const), price: fee.map((amount) => ({ model: 'flat' as const, amount })) }),
  fc.record({ rateCard: fc.constant('calls' as const), price: fc.constant({ model: 'per_unit' as const, unitAmount: '0.0501' }) }),
); // prettier-ignore
/** A price for one customer alone. */
const negotiated = fc.record({
  plan,
  agreed: agreedPrice,
  inDays: fc.integer({ min: 0, max: 30 }),
  lastsDays: asked.lastsDays,
});

const beginning = fc.record({
  startsAtMs,
  timezone,
  plans: threePlans,
  trial: fc.constantFrom(undefined, true, false),
  quantities: maybe(quantities, 1),
  billedAtStart: mostly,
  negotiated: fc.option(negotiated, { nil: null, freq: 1 }),
});
export type Beginning = typeof beginning extends fc.Arbitrary<infer T> ? T : never;

/** What becomes of a customer. */
export const wholeLife = fc.record({ beginning, steps: fc.array(step, { minLength: 1, maxLength: 5, size: 'max' }) });
export type WholeLife = typeof wholeLife extends fc.Arbitrary<infer T> ? T : never;

/** The same up to a change that is looked at. */
export const life = fc.record({
  beginning,
  history: fc.array(step, { maxLength: 3 }),
  last: pause,
  /** Of which the first one that is allowed is made. */
  requests: fc.array(request, { minLength: 4, maxLength: 4 }),
  /** When else invoices run before it takes effect, in percent of that time. */
  runs: fc.array(fc.integer({ min: 1, max: 99 }), { maxLength: 2 }),
});
export type Life = typeof life extends fc.Arbitrary<infer T> ? T : never;
