import { describe, expect, it } from 'vitest';
import type { Fault } from '../../faults/index.ts';
import { type Modifiers, type Price, priceSchema } from '../../prices/index.ts';
import { evaluatePrice, type PriceInput } from '../index.ts';

const evaluate = (price: unknown, input: Partial<PriceInput>, modifiers: Modifiers = {}) =>
  evaluatePrice({ currency: 'USD', price: priceSchema.parse(price), modifiers, quantity: '0', ...input });
const told = (price: unknown, input: Partial<PriceInput>, modifiers: Modifiers = {}) =>
  evaluate(price, input, modifiers).lines.map(({ kind, description, amount }) => `${kind}: ${description} = ${amount}`);
const values = (...texts: string[]) => texts.map((value) => ({ value, events: 1 }));
const missing = (code: string, path: string) =>
  expect.objectContaining({ code, errors: [expect.objectContaining({ path })] }) as Fault;

describe('percentage', () => {
  // Events of 50, 100, 250 and 400: 800 in all. Figures as an established system has them for these terms.
  const events = { quantity: '800', eventsCount: '4', values: values('400', '50', '250', '100') };
  const price = { model: 'percentage', rate: '1.3', fixedAmount: '2' };

  it('is a share of the money and a fee for each event', () => {
    expect(told(price, { quantity: '800', eventsCount: '4' })).toEqual([
      'percentage: 1.3 % of 800 = 10.4',
      'event: 4 events at 2 = 8',
    ]);
  });

  it('leaves the first events free, from the smallest on', () => {
    // 50 + 100 + 250 are free: 400 * 1.3 % + 2
    expect(told({ ...price, freeEvents: '3' }, events)).toEqual([
      'included: 3 events free of charge = 0',
      'included: 400 free of charge = 0',
      'percentage: 1.3 % of 400 = 5.2',
      'event: 1 event at 2 = 2',
    ]);
  });

  it('leaves the first money free; the event in which that ends pays for its rest, and its fee', () => {
    // 50 and 100 are free whole, 100 of 250 as well: 550 * 1.3 % + 2 * 2
    expect(evaluate({ ...price, freeAmount: '250' }, events).exactAmount).toBe('11.15');
    expect(evaluate({ ...price, freeAmount: '150' }, events).exactAmount).toBe('12.45');
    expect(evaluate({ ...price, freeAmount: '9000' }, events).exactAmount).toBe('0');
  });

  it('ends what is free with whichever ends first', () => {
    expect(evaluate({ ...price, freeEvents: '3', freeAmount: '250' }, events).exactAmount).toBe('11.15');
    // Two events, 150: 650 * 1.3 % + 2 * 2
    expect(evaluate({ ...price, freeEvents: '2', freeAmount: '500' }, events).exactAmount).toBe('12.45');
    expect(evaluate({ ...price, freeEvents: '0', freeAmount: '0' }, events).exactAmount).toBe('18.4');
  });

  it('splits events of the same value where freedom ends among them', () => {
    const same = { quantity: '50', values: [{ value: '10', events: 5 }] };
    // 25 free: two events whole and half of the third; 25 * 1.3 % + 3 * 2
    expect(evaluate({ ...price, freeAmount: '25' }, same).exactAmount).toBe('6.325');
    expect(evaluate({ ...price, freeEvents: '2' }, same).exactAmount).toBe('6.39');
  });

  it('holds the fee of each event between its limits; a free event pays no minimum', () => {
    const limited = { ...price, minimumPerEvent: '3', maximumPerEvent: '6' };
    // 50: 2.65 -> 3, 100: 3.30, 250: 5.25, 400: 7.20 -> 6
    expect(told(limited, events)).toEqual([
      'percentage: 1.3 % of 800 = 10.4',
      'event: 4 events at 2 = 8',
      'event: 1 event raised to the minimum of 3 each = 0.35',
      'event: 1 event capped at the maximum of 6 each = -1.2',
    ]);
    expect(evaluate({ ...limited, freeEvents: '1' }, events).exactAmount).toBe('14.55');
  });

  it('asks for what it needs to know, and for no more', () => {
    expect(() => evaluate(price, { quantity: '800' })).toThrow(missing('usage.events_missing', 'eventsCount'));
    expect(evaluate({ ...price, fixedAmount: '0', freeAmount: '100' }, { quantity: '800' }).exactAmount).toBe('9.1');
    const limited = { ...price, maximumPerEvent: '6' };
    expect(() => evaluate(limited, { quantity: '800', eventsCount: '4' })).toThrow(missing('usage.values_missing', 'values'));
    expect(evaluate(limited, { quantity: '800', eventsCount: '1' }).exactAmount).toBe('6');
    expect(evaluate(limited, { quantity: '0' }).exactAmount).toBe('0');
    expect(evaluate(price, { quantity: '0' }).exactAmount).toBe('0');
  });

  it('goes on where an earlier part ended', () => {
    const more = { previousQuantity: '400', previousEventsCount: '3', previousValues: values('50', '100', '250') };
    const last = evaluate({ ...price, freeEvents: '3' }, { quantity: '400', eventsCount: '1', values: values('400'), ...more });
    expect(last.exactAmount).toBe('7.2');
  });
});

describe('graduated_percentage and dynamic', () => {
  it('price money by the percentage of its tier, with the fees of tiers', () => {
    const tiers = [
      { upTo: '1000', rate: '1.5', flatAmount: '1' },
      { upTo: null, rate: '1', flatAmount: '2' },
    ];
    expect(told({ model: 'graduated_percentage', tiers }, { quantity: '1500' })).toEqual([
      'tier: 1.5 % of 1000 (tier 1, 0 to 1000) = 15',
      'tier: Flat amount of 1 (tier 1, 0 to 1000) = 1',
      'tier: 1 % of 500 (tier 2, above 1000) = 5',
      'tier: Flat amount of 2 (tier 2, above 1000) = 2',
    ]);
  });

  it('price money by a factor', () => {
    expect(told({ model: 'dynamic', multiplier: '1.2' }, { quantity: '10' })).toEqual(['dynamic: 10 times 1.2 = 12']);
    expect(told({ model: 'dynamic', multiplier: '1.2' }, { quantity: '0' })).toEqual([]);
  });
});

describe('per_seat', () => {
  const price = { model: 'per_seat', seatAmount: '31', includedSeats: '2', minimumSeats: '3' };
  const month = { prorationNumerator: 31, prorationDenominator: 31 };

  it('bills the seats held beyond those included, at least the minimum', () => {
    expect(told(price, { quantity: '5' })).toEqual(['seat: 3 seats at 31 beyond 2 included, at least 3 billed = 93']);
    expect(evaluate(price, { quantity: '1' }).total).toBe('31.00');
    expect(evaluate({ model: 'per_seat', seatAmount: '31' }, { quantity: '0' })).toMatchObject({ total: '0.00', lines: [] });
  });

  it('prorates the seats of a part of a period, and seats added and given back by their days', () => {
    expect(evaluate(price, { quantity: '5', prorationNumerator: 10, prorationDenominator: 31 }).total).toBe('30.00');
    const seatChanges = [
      { seats: '2', days: 10 },
      { seats: '-4', days: 5 },
    ];
    // 5 held: 93; 2 more for 10 days: 20; 4 given back of 7, of which the minimum of 3 stays billed: 4 * 5 = 20 back
    expect(told(price, { quantity: '5', seatChanges, ...month })).toEqual([
      'seat: 3 seats at 31 beyond 2 included, at least 3 billed = 93',
      'seat: 2 seats added at 31 for 10 of 31 days = 20',
      'seat: 4 seats given back at 31 for 5 of 31 days = -20',
    ]);
    const all = [{ seats: '-9', days: 31 }];
    expect(evaluate(price, { quantity: '5', seatChanges: all, ...month }).total).toBe('31.00');
  });

  it('is due with the part that begins the period, in arrears with the one that ends it', () => {
    const parts = (paymentTerm: string) =>
      (['first', 'middle', 'last'] as const).map(
        (periodPosition, index) =>
          evaluate(
            { ...price, paymentTerm },
            { quantity: index === 0 ? '5' : '1', previousQuantity: String(index === 0 ? 0 : 4 + index), periodPosition },
          ).total,
      );
    expect(parts('advance')).toEqual(['93.00', '31.00', '31.00']);
    expect(parts('arrears')).toEqual(['0.00', '0.00', '155.00']);
  });

  it('refuses days that the period does not have', () => {
    const refused = expect.objectContaining({ code: 'proration.invalid' }) as Fault;
    for (const days of [32, -1, 0.5]) {
      expect(() => evaluate(price, { quantity: '5', seatChanges: [{ seats: '1', days }], ...month })).toThrow(refused);
    }
  });
});

describe('flat', () => {
  it('due once is due in the first period alone, whole', () => {
    const once = { model: 'flat', amount: '100', interval: 'once' };
    expect(told(once, { prorationNumerator: 5, prorationDenominator: 31 })).toEqual(['flat: One-time fee of 100 = 100']);
    expect(told(once, { firstPeriod: false })).toEqual([]);
    expect(told({ ...once, paymentTerm: 'advance' }, { periodPosition: 'last' })).toEqual([]);
  });
});

describe('matrix', () => {
  const unit = (unitAmount: string): Price => ({ model: 'per_unit', unitAmount });
  const group = (media: string, role: string, quantity: string) => ({ dimensions: { media, role }, quantity });
  const tiers = [
    { upTo: '10', unitAmount: '1', flatAmount: '7' },
    { upTo: null, unitAmount: '0.5' },
  ];
  const price = {
    model: 'matrix',
    dimensions: ['media', 'role'],
    cells: [
      { match: { media: 'audio', role: ['host', 'guest'] }, price: unit('2') },
      { match: { media: 'audio' }, price: { model: 'graduated', tiers } },
    ],
    default: unit('3'),
  };
  const groups = [
    group('video', 'host', '1'),
    group('audio', 'viewer', '8'),
    group('audio', '', '4'),
    group('audio', 'guest', '5'),
    group('audio', 'host', '5'),
    group('text', 'host', '1'),
  ];

  it('prices usage by the first cell that fits, together what one cell prices, in the order of the cells', () => {
    expect(told(price, { quantity: '24', groups })).toEqual([
      'unit: audio, host / guest: 10 units at 2 = 20',
      'tier: audio: 10 units at 1 (tier 1, 0 to 10) = 10',
      'tier: audio: Flat amount of 7 (tier 1, 0 to 10) = 7',
      'tier: audio: 2 units at 0.5 (tier 2, above 10) = 1',
      'unit: Other: 2 units at 3 = 6',
    ]);
  });

  it('prices each combination apart with groupBy: tiers begin anew', () => {
    expect(told({ ...price, groupBy: ['role'] }, { quantity: '12', groups: groups.slice(1, 3) })).toEqual([
      'tier: audio, (none): 4 units at 1 (tier 1, 0 to 10) = 4',
      'tier: audio, (none): Flat amount of 7 (tier 1, 0 to 10) = 7',
      'tier: audio, viewer: 8 units at 1 (tier 1, 0 to 10) = 8',
      'tier: audio, viewer: Flat amount of 7 (tier 1, 0 to 10) = 7',
    ]);
  });

  it('charges nothing for what no cell fits, and says so', () => {
    const { default: _default, ...closed } = price;
    expect(told(closed, { quantity: '1', groups: [group('video', 'host', '1')] })).toEqual([
      'unpriced: Other: 1 unit without a price, not charged = 0',
    ]);
  });

  it('uses up free units and allowances in the order of its cells', () => {
    expect(told(price, { quantity: '24', groups }, { freeUnits: '21' })).toEqual([
      'included: 21 units included in 21 free units = 0',
      'tier: audio: 1 unit at 1 (tier 1, 0 to 10) = 1',
      'tier: audio: Flat amount of 7 (tier 1, 0 to 10) = 7',
      'unit: Other: 2 units at 3 = 6',
    ]);
    const overage: Modifiers = { allowance: { units: '22', overagePrice: priceSchema.parse(price) } };
    expect(told({ model: 'flat', amount: '9' }, { quantity: '24', groups }, overage)).toEqual([
      'flat: Flat fee of 9 = 9',
      'overage: Overage: Other: 2 units at 3 = 6',
    ]);
  });

  it('rounds a conversion by the total of each group', () => {
    const minutes: Modifiers = { unitConversion: { operation: 'divide', factor: '60', rounding: 'up' } };
    const seconds = [group('video', 'host', '61'), group('text', 'host', '61')];
    expect(told(price, { quantity: '122', groups: seconds }, minutes)).toEqual([
      'conversion: 122 / 60 = 4 units, rounded up to 0 decimals = 0',
      'unit: Other: 4 units at 3 = 12',
    ]);
  });

  it('asks for the groups of what was used', () => {
    expect(() => evaluate(price, { quantity: '1' })).toThrow(missing('usage.groups_missing', 'groups'));
    expect(evaluate(price, { quantity: '0' }).total).toBe('0.00');
  });
});
