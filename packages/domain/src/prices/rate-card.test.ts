import { describe, expect, it } from 'vitest';
import { modifiersSchema, priceSchema, rateCardSchema } from './index.ts';

const graduated = (...tiers: unknown[]) => ({ model: 'graduated', tiers });
const open = { upTo: null, unitAmount: '1' };
const card = (fields: object) => ({ key: 'calls', name: 'Calls', meter: 'calls', price: graduated(open), ...fields });

/** `path: message` of every issue. */
function faults(
  schema: { safeParse(value: unknown): { error?: { issues: { path: PropertyKey[]; message: string }[] } | undefined } },
  value: unknown,
) {
  return (schema.safeParse(value).error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('price schema', () => {
  it.each([
    { model: 'flat', amount: '49.00' },
    { model: 'flat', amount: '0', paymentTerm: 'advance' },
    { model: 'per_unit', unitAmount: '0.000000000001' },
    graduated({ upTo: '100000', unitAmount: '0.00099', flatAmount: '0' }, { upTo: null, unitAmount: '0.00094', flatAmount: '0' }),
    { model: 'volume', tiers: [{ upTo: '0.1', unitAmount: '1' }, { upTo: '0.20', unitAmount: '1' }, open] },
    { model: 'package', packageSize: '1000', packageAmount: '0.99', freeUnits: '10000', blocks: 'prorated' },
  ])('accepts $model', (price) => {
    expect(priceSchema.parse(price)).toEqual(price);
  });

  it.each<[string, unknown, string]>([
    [
      'a number',
      { model: 'per_unit', unitAmount: 0.1 },
      'unitAmount: unitAmount must be a string, not a number, so that no digit is lost',
    ],
    ['a missing amount', { model: 'flat' }, 'amount: amount is required'],
    ['an object for an amount', { model: 'flat', amount: {} }, 'amount: amount must be a decimal string'],
    ['text that is no decimal', { model: 'flat', amount: 'NaN' }, 'amount: amount must be a decimal string'],
    ['thirteen decimals', { model: 'flat', amount: '0.0000000000001' }, 'amount: amount must be a decimal string'],
    ['a negative amount', { model: 'flat', amount: '-1' }, 'amount: amount must not be negative'],
    [
      'an unknown field',
      { model: 'flat', amount: '1', amont: '2' },
      ': flat price has unknown fields: amont; known are model, amount, paymentTerm, interval',
    ],
    ['a prototype', JSON.parse('{"model":"flat","amount":"1","__proto__":{}}'), ': flat price has unknown fields: __proto__'],
    [
      'an unknown model',
      { model: 'stairs' },
      'model: model must be one of flat, per_unit, graduated, volume, package, percentage',
    ],
    ['no model', {}, 'model: model must be one of'],
    ['no object', 'free', ': price must be an object'],
    [
      'a package of nothing',
      { model: 'package', packageSize: '0.0', packageAmount: '1' },
      'packageSize: packageSize must be above zero',
    ],
    [
      'unknown blocks',
      { model: 'package', packageSize: '1', packageAmount: '1', blocks: 'half' },
      'blocks: blocks must be "up", "down" or',
    ],
    ['no tiers', graduated(), 'tiers: tiers must have at least one tier'],
    ['tiers that are no list', { model: 'volume', tiers: {} }, 'tiers: tiers must be a list'],
    ['a closed last tier', graduated({ upTo: '5', unitAmount: '1' }), 'tiers.0.upTo: upTo of the last tier must be null'],
    ['an open tier in between', graduated(open, open), 'tiers.0.upTo: upTo may be null only in the last tier'],
    [
      'tiers out of order',
      graduated({ upTo: '10', unitAmount: '1' }, { upTo: '9', unitAmount: '1' }, open),
      "tiers.1.upTo: upTo must be above the previous tier's 10",
    ],
    [
      'equal tiers',
      graduated({ upTo: '10', unitAmount: '1' }, { upTo: '10.0', unitAmount: '1' }, open),
      'tiers.1.upTo: upTo must be above',
    ],
    ['a tier up to nothing', graduated({ upTo: '0', unitAmount: '1' }, open), 'tiers.0.upTo: upTo must be above zero'],
    ['a malformed tier', graduated({ upTo: 'x', unitAmount: '1' }, open), 'tiers.0.upTo: upTo must be a decimal string'],
    ['a tier without upTo', graduated({ unitAmount: '1' }), 'tiers.0.upTo: upTo is required'],
  ])('refuses %s, naming field and rule', (_, price, fault) => {
    const found = faults(priceSchema, price);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(fault);
  });

  it('reports all faults at once', () => {
    expect(faults(priceSchema, graduated({ upTo: '5', unitAmount: 1 }, { upTo: null, unitAmount: '-1', x: 1 }))).toHaveLength(3);
  });
});

describe('modifiers schema', () => {
  it('accepts every modifier', () => {
    const modifiers = {
      unitConversion: { operation: 'divide', factor: '60', rounding: { mode: 'up', decimals: 2 } },
      freeUnits: '10',
      allowance: { units: '100', overagePrice: { model: 'per_unit', unitAmount: '0.1' } },
      percentOff: '100',
      minimumSpend: '5',
      maximumSpend: '5.00',
      credits: ['1', '2.50'],
      rounding: { mode: 'half_even', scope: 'line' },
    };
    expect(modifiersSchema.parse(modifiers)).toEqual(modifiers);
    expect(faults(modifiersSchema, { unitConversion: { operation: 'divide', factor: '60', rounding: 'ceiling' } })).toEqual([]);
  });

  it.each<[unknown, string]>([
    [{ percentOff: '100.1' }, 'percentOff: percentOff must be at most 100'],
    [{ percentOff: 'ten' }, 'percentOff: percentOff must be a decimal string'],
    [{ minimumSpend: '6', maximumSpend: '5' }, 'minimumSpend: minimumSpend must not be above maximumSpend'],
    [{ unitConversion: { operation: 'divide', factor: '0' } }, 'unitConversion.factor: factor must be above zero'],
    [{ unitConversion: { operation: 'add', factor: '1' } }, 'unitConversion.operation: operation must be'],
    [
      { unitConversion: { operation: 'divide', factor: '1', rounding: { mode: 'up', decimals: 1.5 } } },
      'unitConversion.rounding',
    ],
    [
      { allowance: { units: '1', overagePrice: { model: 'per_unit', unitAmount: 1 } } },
      'allowance.overagePrice.unitAmount: unitAmount must be a string',
    ],
    [{ credits: ['0'] }, 'credits.0: credits must be above zero'],
    [{ rounding: { mode: 'nearest' } }, 'rounding.mode: mode must be one of half_up, half_even'],
    [{ discount: '5' }, ': modifiers has unknown fields: discount'],
  ])('refuses %j', (modifiers, fault) => {
    const found = faults(modifiersSchema, modifiers);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(fault);
  });
});

describe('rate card schema', () => {
  const flat = { model: 'flat', amount: '1' };
  const overage = { allowance: { units: '10', overagePrice: { model: 'per_unit', unitAmount: '1' } } };

  it.each([
    card({}),
    card({ filter: { region: 'eu', model: ['a', 'b'] } }),
    { key: 'base', name: 'Base fee', price: flat },
    card({ price: flat, modifiers: overage }),
  ])('accepts %j', (value) => {
    expect(rateCardSchema.parse(value)).toEqual(value);
  });

  it.each<[object, string]>([
    [{ key: 'c', name: 'C', price: graduated(open) }, 'meter: meter is required with a graduated price'],
    [{ key: 'c', name: 'C', price: flat, modifiers: overage }, 'meter: meter is required with an overagePrice'],
    [card({ price: flat }), 'meter: meter must be absent with a flat price'],
    [{ key: 'c', name: 'C', price: flat, filter: { region: 'eu' } }, 'filter: filter needs a meter'],
    [
      { key: 'c', name: 'C', price: flat, modifiers: { freeUnits: '1' } },
      'modifiers.freeUnits: freeUnits must be absent with a flat price',
    ],
    [
      { key: 'c', name: 'C', price: flat, modifiers: { allowance: { units: '1' } } },
      'modifiers.allowance.overagePrice: overagePrice is required',
    ],
    [card({ filter: { region: [] } }), 'filter.region: filter values must be a text or a list'],
    [card({ filter: { region: 1 } }), 'filter.region: filter values must be a text or a list'],
    [card({ filter: ['eu'] }), 'filter: filter must be an object of dimension name'],
    [card({ key: 'a b' }), 'key: key must be 1 to 128 letters'],
    [card({ name: '' }), 'name: name must not be empty'],
    [card({ price: undefined }), 'price: price must be an object'],
    [card({ price: graduated({ upTo: null, unitAmount: 2 }) }), 'price.tiers.0.unitAmount: unitAmount must be a string'],
    [card({ currency: 'USD' }), ': rate card has unknown fields: currency; known are key, name, meter, filter, price, modifiers'],
  ])('refuses %j', (value, fault) => {
    const found = faults(rateCardSchema, value);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(fault);
  });
});
