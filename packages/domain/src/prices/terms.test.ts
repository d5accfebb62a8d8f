import { describe, expect, it } from 'vitest';
import { type Modifiers, modifiersSchema, type Price, priceSchema, rateCardSchema, termsFaults } from './index.ts';

const unit = { model: 'per_unit', unitAmount: '1' };
const cell = (match: unknown, price: unknown = unit) => ({ match, price });
const matrix = (fields: object = {}) => ({
  model: 'matrix',
  dimensions: ['media', 'role'],
  cells: [cell({ media: 'hd' })],
  ...fields,
});
const issuesOf = (schema: typeof priceSchema | typeof modifiersSchema, value: unknown) =>
  (schema.safeParse(value).error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);

describe('prices by event, by seat, by dimension and of money', () => {
  it.each([
    {
      model: 'percentage',
      rate: '2.9',
      fixedAmount: '0.30',
      freeEvents: '0',
      freeAmount: '0',
      minimumPerEvent: null,
      maximumPerEvent: null,
    },
    { model: 'percentage', rate: '0', minimumPerEvent: '5', maximumPerEvent: '5.0' },
    {
      model: 'graduated_percentage',
      tiers: [
        { upTo: '1000', rate: '1.5', flatAmount: '0' },
        { upTo: null, rate: '1' },
      ],
    },
    { model: 'dynamic', multiplier: '1.2' },
    { model: 'per_seat', seatAmount: '10', includedSeats: '2', minimumSeats: '5', paymentTerm: 'arrears' },
    { model: 'flat', amount: '100', interval: 'once', paymentTerm: 'advance' },
    matrix(),
    matrix({ cells: [], default: unit, groupBy: ['role'] }),
    matrix({
      cells: [
        cell({ media: ['hd', 'sd'], role: 'host' }, { model: 'graduated', tiers: [{ upTo: null, unitAmount: '1' }] }),
        cell({}),
      ],
    }),
  ])('accepts %j', (price) => {
    expect(priceSchema.parse(price)).toEqual(price);
  });

  it.each<[unknown, string]>([
    [{ model: 'percentage' }, 'rate: rate is required'],
    [{ model: 'percentage', rate: '1', freeEvents: '1.5' }, 'freeEvents: freeEvents must be a whole number'],
    [{ model: 'percentage', rate: '1', freeEvents: 3 }, 'freeEvents: freeEvents must be a whole number in a string'],
    [
      { model: 'percentage', rate: '1', minimumPerEvent: '5', maximumPerEvent: '4' },
      'minimumPerEvent: minimumPerEvent must not be above maximumPerEvent',
    ],
    [
      { model: 'graduated_percentage', tiers: [{ upTo: '1', rate: '1' }] },
      'tiers.0.upTo: upTo of the last tier must be null (open)',
    ],
    [
      { model: 'graduated_percentage', tiers: [{ upTo: null, unitAmount: '1', rate: '1' }] },
      'tiers.0: tier has unknown fields: unitAmount',
    ],
    [{ model: 'dynamic', multiplier: '-1' }, 'multiplier: multiplier must not be negative'],
    [{ model: 'per_seat', seatAmount: '1', paymentTerm: 'later' }, 'paymentTerm: paymentTerm must be'],
    [{ model: 'flat', amount: '1', interval: 'week' }, 'interval: interval must be "period" or "once"'],
    [matrix({ dimensions: [] }), 'dimensions: dimensions must name at least one dimension'],
    [matrix({ dimensions: ['media', 'media'] }), 'dimensions: dimensions must name each dimension once'],
    [
      matrix({ dimensions: Array.from({ length: 9 }, (_, index) => `d${index}`).concat() }),
      'dimensions: dimensions must name at most 8',
    ],
    [matrix({ cells: [] }), 'cells: cells must hold a cell, unless there is a default'],
    [matrix({ cells: [cell({ class: 'x' })] }), 'cells.0.match.class: match names "class", which is not one of dimensions'],
    [matrix({ cells: [cell({ media: [] })] }), 'cells.0.match.media: match values must be a text or a list'],
    [matrix({ cells: [cell({ media: 'hd' }, matrix())] }), 'cells.0.price.model: model must be one of flat'],
    [matrix({ groupBy: ['class'] }), 'groupBy.0: groupBy names "class", which is not one of dimensions'],
  ])('refuses %j, naming field and rule', (price, fault) => {
    expect(issuesOf(priceSchema, price)[0]).toContain(fault);
  });
});

describe('modifiers', () => {
  it('accept weights, the scopes of rounding, and what is carried over', () => {
    const modifiers = {
      unitConversion: {
        operation: 'divide',
        factor: '60',
        weights: { dimension: 'class', factors: { audio: '1', hd: '4' }, default: '36' },
        rounding: { mode: 'up', decimals: -2, scope: 'event' },
      },
      allowance: { units: '100', carryOver: { maximumUnits: null } },
      rounding: { mode: 'down', scope: 'invoice' },
    };
    expect(modifiersSchema.parse(modifiers)).toEqual(modifiers);
  });

  it.each<[unknown, string]>([
    [
      { unitConversion: { operation: 'divide', factor: '1', weights: { dimension: '', factors: {} } } },
      'unitConversion.weights.dimension',
    ],
    [
      { unitConversion: { operation: 'divide', factor: '1', weights: { dimension: 'd', factors: { a: '-1' } } } },
      'factors must not be negative',
    ],
    [{ unitConversion: { operation: 'divide', factor: '1', rounding: { mode: 'up', scope: 'day' } } }, 'unitConversion.rounding'],
    [{ allowance: { units: '1', carryOver: {} } }, 'allowance.carryOver.maximumUnits'],
    [
      { rounding: { mode: 'up', scope: 'month' } },
      'rounding.scope: scope must be one of event, line, charge, invoice, cumulative',
    ],
  ])('refuse %j', (modifiers, fault) => {
    expect(issuesOf(modifiersSchema, modifiers)[0]).toContain(fault);
  });
});

describe('terms that cannot go together', () => {
  const faults = (price: unknown, modifiers: unknown) =>
    [...termsFaults(priceSchema.parse(price), modifiersSchema.parse(modifiers))].map(
      ([path, message]) => `${path.join('.')}: ${message}`,
    );
  const byEvent = { rounding: { mode: 'up', scope: 'event' } };
  const perEvent = { model: 'percentage', rate: '1', fixedAmount: '0.1' };

  it('are rounding by event and prices that no event has by itself, also within a matrix', () => {
    expect(faults(unit, byEvent)).toEqual([]);
    expect(faults(matrix({ default: perEvent }), byEvent)).toEqual([]);
    expect(faults({ model: 'flat', amount: '1' }, byEvent)).toEqual([
      'rounding.scope: scope event needs a price that an event has by itself, which flat is not',
    ]);
    expect(faults(matrix({ default: { model: 'flat', amount: '1' } }), byEvent)).toHaveLength(1);
  });

  it('are units given free, and prices or rounding by event', () => {
    const free = { freeUnits: '1', allowance: { units: '1' } };
    expect(faults(unit, { ...byEvent, ...free })).toEqual([
      'freeUnits: freeUnits must be absent with rounding of scope event',
      'allowance: allowance must be absent with rounding of scope event',
    ]);
    expect(faults(perEvent, free)).toEqual([
      'freeUnits: freeUnits must be absent with fees or limits per event, which have freeEvents and freeAmount',
      'allowance: allowance must be absent with fees or limits per event, which have freeEvents and freeAmount',
    ]);
    expect(faults({ ...perEvent, fixedAmount: '0.00' }, free)).toEqual([]);
    expect(faults({ model: 'percentage', rate: '1', maximumPerEvent: '2' }, { freeUnits: '1' })).toHaveLength(1);
  });

  it('are overage and fees per event, as nobody knows which events are beyond', () => {
    expect(faults(unit, { allowance: { units: '1', overagePrice: perEvent } })).toEqual([
      'allowance.overagePrice: overagePrice must not have fees or limits per event: which events are beyond is not known',
    ]);
  });

  it('are units rounded as a total before a price of single events, which would no longer add up to them', () => {
    const converted = (rounding?: NonNullable<Modifiers['unitConversion']>['rounding']): Modifiers => ({
      unitConversion: { operation: 'divide', factor: '60', ...(rounding && { rounding }) },
    });
    const limited: Price = { model: 'percentage', rate: '1', minimumPerEvent: '2' };
    const rule =
      'unitConversion.rounding: rounding must be of scope event, or absent, before a price or rounding of single events: they must add up';
    for (const rounding of ['up', { mode: 'up' }, { mode: 'up', scope: 'total' }] as const) {
      expect(faults(limited, converted(rounding))).toEqual([rule]);
      expect(faults(unit, { ...byEvent, ...converted(rounding) })).toEqual([rule]);
      expect(faults(matrix({ default: limited }), converted(rounding))).toEqual([rule]);
      expect(faults(unit, converted(rounding))).toEqual([]);
    }
    expect(faults(limited, converted({ mode: 'up', scope: 'event' }))).toEqual([]);
    expect(faults(limited, converted())).toEqual([]);
    // A fee for each event needs their number alone.
    expect(faults({ model: 'percentage', rate: '1', fixedAmount: '1' }, converted('up'))).toEqual([]);
  });

  it('are what is left of seats, which are held and not used up', () => {
    const allowance = { units: '5', carryOver: { maximumUnits: null } };
    const seat: Price = { model: 'per_seat', seatAmount: '1' };
    const rule = 'allowance.carryOver: carryOver must be absent with a price per seat: seats are held, and not used up';
    expect(faults(seat, { allowance })).toEqual([rule]);
    expect(faults({ model: 'flat', amount: '1' }, { allowance: { ...allowance, overagePrice: seat } })).toEqual([rule]);
  });

  it('are refused in a rate card, by field', () => {
    const card = { key: 'k', name: 'k', meter: 'm', price: perEvent, modifiers: { freeUnits: '1' } };
    expect(rateCardSchema.safeParse(card).error?.issues.map(({ path }) => path.join('.'))).toEqual(['modifiers.freeUnits']);
  });
});
