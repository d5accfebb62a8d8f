import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { evaluatePrice, type Language, type PriceInput } from '@meterline/domain/rating';
import { describe, expect, it } from 'vitest';
import { type Answer, type Asked, meterline } from './fixture.ts';

type Item = PriceInput & { readonly language?: Language };

/** A server that rates; an item without a quantity is refused. */
function rating({ body }: Asked): Answer {
  const { items } = JSON.parse(body) as { items: Item[] };
  const results = items.map(({ language, ...item }) => {
    if (item.quantity !== undefined) return { evaluation: evaluatePrice(item, language) };
    return {
      error: {
        code: 'request.invalid',
        detail: 'The item is not valid.',
        errors: [{ path: 'quantity', message: 'is required' }],
      },
    };
  });
  return { body: { results } };
}

const graduated = {
  model: 'graduated',
  tiers: [
    { upTo: '100000', unitAmount: '0.00099' },
    { upTo: null, unitAmount: '0.000945' },
  ],
};

describe('meterline price try', () => {
  it('prices each quantity, tier by tier, down to the rounding', async () => {
    const { code, out, asked } = await meterline(['price', 'try', JSON.stringify(graduated), '5000', '150001'], rating);
    expect(code).toBe(0);
    expect(asked).toMatchObject([{ method: 'POST', url: '/v1/prices/evaluate/batch' }]);
    expect(out.split('\n')).toEqual([
      'Step                                                      Quantity  Unit price      Amount',
      '──────────────────────────────────────────────────────────────────────────────────────────',
      'For 5,000                                                                         4.95 USD',
      '  5,000 units at 0.00099 (tier 1, 0 to 100,000)              5,000     0.00099        4.95',
      'For 150,001                                                                     146.25 USD',
      '  100,000 units at 0.00099 (tier 1, 0 to 100,000)          100,000     0.00099       99.00',
      '  50,001 units at 0.000945 (tier 2, above 100,000)          50,001    0.000945   47.250945',
      '  Rounded half up, the charge: 146.250945 becomes 146.25                         -0.000945',
    ]);
  });

  it('reads a rate card from a file, with its modifiers, and tells it in Chinese', async () => {
    const file = path.join(await mkdtemp(path.join(tmpdir(), 'price-')), 'card.json');
    const card = { key: 'k', name: 'K', meter: 'm', price: graduated, modifiers: { percentOff: '10' } };
    await writeFile(file, JSON.stringify(card));
    const { out, asked } = await meterline(
      ['price', 'try', file, '1000', '--currency', 'EUR', '--language', 'zh', '--events', '3'],
      rating,
    );
    expect(out).toContain('0.89 EUR');
    expect(out).toContain('1,000 个单位，单价 0.00099（第 1 档，0 至 100,000）');
    // Characters of two columns: the numbers still stand under each other.
    expect(out.split('\n').slice(3)).toEqual([
      '  1,000 个单位，单价 0.00099（第 1 档，0 至 100,000）     1,000     0.00099      0.99',
      '  优惠 10%                                                                     -0.099',
      '  按费用合计舍入（四舍五入）：0.891 记为 0.89                                  -0.001',
    ]);
    const { key: _key, name: _name, meter: _meter, ...terms } = card;
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
      items: [{ ...terms, currency: 'EUR', eventsCount: '3', language: 'zh', quantity: '1000' }],
    });
  });

  it('takes modifiers of its own, and prints what the server answered as JSON', async () => {
    const { out } = await meterline(
      ['price', 'try', '{"model":"per_unit","unitAmount":"1"}', '3', '--modifiers', '{"freeUnits":"1"}', '--json'],
      rating,
    );
    expect(JSON.parse(out)).toMatchObject({ results: [{ evaluation: { total: '2.00' } }] });
  });

  it('shows what was wrong with a quantity, and ends with 1', async () => {
    const { code, out, err } = await meterline(['price', 'try', '{"price":{"model":"per_unit","unitAmount":"1"}}'], rating);
    expect(code).toBe(1);
    expect(out).toContain('request.invalid');
    expect(out).toContain('quantity: is required');
    expect(err).toContain('Not every quantity could be priced.');
  });

  it('ends with 2 where the price is no JSON object, and no file', async () => {
    expect(await meterline(['price', 'try', '/nowhere/price.json', '1'], rating)).toMatchObject({ code: 2, asked: [] });
    expect(await meterline(['price', 'try', '{"model":', '1'], rating)).toMatchObject({ code: 2, asked: [] });
  });

  it('teaches by its help', async () => {
    const { out } = await meterline(['price', 'try', '--help'], rating);
    for (const taught of ['graduated_percentage', 'unitConversion', '--language', '$ meterline price try'])
      expect(out).toContain(taught);
  });
});
