import { decimal } from '@meterline/domain/money';
import { describe, expect, it } from 'vitest';
import { meterline } from './fixture.ts';
import { bar } from './render/balances.ts';

const PACK = {
  ...{
    id: 'grant_1',
    key: 'starter',
    name: 'Starter',
    kind: 'units',
    meter: 'calls',
    filter: {},
    unitConversion: null,
    currency: null,
  },
  ...{ amount: '100000', priority: 0, effectiveAt: '2026-01-01T00:00:00Z', expiresAt: '2027-01-01T00:00:00Z', cost: '99.00' },
};
const CREDIT = {
  ...PACK,
  id: 'grant_2',
  key: 'welcome',
  kind: 'money',
  meter: null,
  currency: 'USD',
  amount: '25.5',
  expiresAt: null,
  cost: null,
};

describe('grant', () => {
  it('create sends a pack with its terms, and answers what was given', async () => {
    const { out, asked } = await meterline(
      ['grant', 'create', 'acme', 'starter', '100000', '--meter', 'seconds', '--per', '60', '--filter', 'q=hd', '--filter', 'q=fhd', '--expires-at', '2027-01-01', '--cost', '99.00', '--priority', '2', '--carry', '50', '--carry-until', '2027-02-01'], // prettier-ignore
      () => ({ status: 201, body: PACK }),
    );
    expect(asked[0]).toMatchObject({ method: 'POST', url: '/v1/customers/acme/grants' });
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
      ...{ kind: 'units', key: 'starter', name: 'starter', amount: '100000', meter: 'seconds', filter: { q: ['hd', 'fhd'] } },
      ...{ unitConversion: { operation: 'divide', factor: '60', rounding: 'half_up' }, priority: 2, cost: '99.00' },
      ...{ expiresAt: '2027-01-01T00:00:00Z', carryOver: { percent: '50', expiresAt: '2027-02-01T00:00:00Z' } },
    });
    expect(out).toBe('Grant grant_1: 100,000 calls for acme.');
  });

  it('create without a meter sends money', async () => {
    const { asked } = await meterline(['grant', 'create', 'acme', 'welcome', '25.00'], () => ({ status: 201, body: CREDIT }));
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({ kind: 'money', key: 'welcome', name: 'welcome', amount: '25.00' });
  });

  it('create refuses a filter that names no value', async () => {
    const { code, err } = await meterline(['grant', 'create', 'acme', 'a', '1', '--meter', 'm', '--filter', 'hd'], () => ({
      body: {},
    }));
    expect([code, err]).toEqual([2, expect.stringContaining('filter.invalid')]);
  });

  it('list shows what was given', async () => {
    const { out } = await meterline(['grant', 'list', 'acme'], () => ({ body: { items: [CREDIT, PACK], nextCursor: null } }));
    expect(out).toMatch(/grant_1 +starter +100,000 +calls +0 +2026-01-01T00:00:00Z +2027-01-01T00:00:00Z +99\.00/);
    expect(out).toMatch(/grant_2 +welcome +25\.5 +USD .* never +free/);
  });

  it('void finds a grant by its key, and says if there is none', async () => {
    const answer = ({ method }: { method: string }) => ({
      body: method === 'GET' ? { items: [CREDIT], nextCursor: null } : CREDIT,
    });
    expect((await meterline(['grant', 'void', 'acme', 'welcome'], answer)).asked[1]?.url).toBe('/v1/grants/grant_2/void');
    const { code, err } = await meterline(['grant', 'void', 'acme', 'other'], answer);
    expect([code, err]).toEqual([1, expect.stringContaining('grant.unknown')]);
  });
});

describe('balance', () => {
  it('shows what is left of each grant, and of all of a kind', async () => {
    const figures = { balance: '100000', pending: '25000', available: '75000' };
    const { out, asked } = await meterline(['balance', 'acme', '--at', '2026-03-01'], () => ({
      body: { customer: 'acme', at: '2026-03-01T00:00:00Z', position: 7, grants: [{ ...PACK, state: 'active', ...figures }], totals: [{ ...PACK, ...figures }] }, // prettier-ignore
    }));
    expect(asked[0]?.url).toBe('/v1/customers/acme/balances?at=2026-03-01T00%3A00%3A00Z');
    expect(out).toMatch(/starter +calls +█{15}░{5} +75,000 +25,000 +100,000 +until 2027-01-01T00:00:00Z/);
    expect(out).toContain('calls: 75,000 available, 25,000 used and not invoiced yet');
  });

  it.each([
    ['0', 0],
    ['0.001', 1],
    ['5', 1],
    ['5.001', 2],
    ['99', 20],
    ['100', 20],
  ])('%s of 100 left are %i cells of 20', (left, cells) => {
    expect(bar(decimal(left), decimal('100'))).toBe('█'.repeat(cells) + '░'.repeat(20 - cells));
  });
});
