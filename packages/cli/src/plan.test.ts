import { expect, it } from 'vitest';
import { type Asked, meterline, problem } from './fixture.ts';

const price = { model: 'per_unit', unitAmount: '0.012' };
const CHANGES = '/v1/plans/rtc/versions/2/price-changes';

/** Plan `rtc` is at version 2. */
const server = ({ url }: Asked) => {
  if (url === '/v1/plans/rtc') return { body: { version: 2 } };
  if (url === CHANGES) return { status: 201, body: { revision: 3, rateCard: 'hd', validFrom: '2026-04-01T00:00:00Z' } };
  const known = { rateCard: 'hd', knownSince: '2026-03-01T00:00:00Z', modifiers: null };
  return {
    body: {
      items: [
        { ...known, validFrom: null, validTo: '2026-04-01T00:00:00Z', price: { ...price, unitAmount: '0.016' } },
        { ...known, validFrom: '2026-04-01T00:00:00Z', validTo: null, price, modifiers: { percentOff: '5' } },
      ],
    },
  };
};

it('plan price list shows from when to when each price holds, as valid and as known at the instants given', async () => {
  const { code, out, asked } = await meterline(
    ['plan', 'price', 'list', 'rtc', '--at', '2026-04-01', '--known-at', '2026-03-01'],
    server,
  );
  expect(code).toBe(0);
  expect(asked.map(({ url }) => url)).toEqual([
    '/v1/plans/rtc',
    '/v1/plans/rtc/versions/2/prices?at=2026-04-01T00%3A00%3A00Z&knownAt=2026-03-01T00%3A00%3A00Z',
  ]);
  expect(out.split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
    ['rate card', 'from', 'up to', 'known since', 'model', 'price'],
    [expect.stringMatching(/^─+$/)],
    ['hd', '2026-04-01T00:00:00Z', '2026-03-01T00:00:00Z', 'per_unit', '{"unitAmount":"0.016"}'],
    ['hd', '2026-04-01T00:00:00Z', '2026-03-01T00:00:00Z', 'per_unit', '{"unitAmount":"0.012"} {"percentOff":"5"}'],
  ]);
});

it('plan price add sends the change to the version named, and leaves modifiers and correction out unless given', async () => {
  const args = ['plan', 'price', 'add', 'rtc', 'hd', '--valid-from', '2026-04-01', '--price', JSON.stringify(price)];
  const { code, out, asked } = await meterline([...args, '--plan-version', '2'], server);
  expect(code).toBe(0);
  expect(asked).toMatchObject([{ method: 'POST', url: CHANGES }]);
  expect(JSON.parse(asked[0]?.body ?? '')).toEqual({ rateCard: 'hd', validFrom: '2026-04-01T00:00:00Z', price });
  expect(out).toBe('hd of rtc, version 2, has this price from 2026-04-01T00:00:00Z on (change 3).');

  const corrected = await meterline([...args, '--modifiers', 'null', '--correction'], server);
  expect(JSON.parse(corrected.asked[1]?.body ?? '')).toMatchObject({ modifiers: null, correction: true });
});

it('plan price add ends with 2 for a price that is no JSON, and with 1 and the reason where the server refuses', async () => {
  const args = ['plan', 'price', 'add', 'rtc', 'hd', '--plan-version', '2', '--valid-from', '2026-04-01', '--price'];
  const malformed = await meterline([...args, '0.012 each'], server);
  expect([malformed.code, malformed.asked]).toEqual([2, []]);
  expect(malformed.err).toContain('--price must be JSON');
  const refused = await meterline([...args, JSON.stringify(price)], () =>
    problem(409, 'price_change.period_invoiced', 'Invoices were issued.'),
  );
  expect(refused.code).toBe(1);
  expect(refused.err).toContain('price_change.period_invoiced');
});
