import { expect, it } from 'vitest';
import { type Asked, meterline } from './fixture.ts';

const PRICES = '/v1/customers/acme/negotiated-prices';
const price = { model: 'per_unit', unitAmount: '0.010' };
const entered = {
  ...{ revision: 1, plan: 'rtc', rateCard: 'hd', validFrom: '2026-04-01T00:00:00Z', validUntil: null, end: null },
  ...{ knownSince: '2026-03-01T00:00:00Z', price, modifiers: null, percentOff: null, note: 'offer 17' },
};
const ended = { ...entered, end: { at: '2026-07-01T00:00:00Z' } };

const server = ({ method, url }: Asked) => {
  if (method === 'GET') return { body: { items: [ended], nextCursor: null } };
  return url.endsWith('/end') ? { body: ended } : { status: 201, body: entered };
};

it('customer price add sends what was agreed on, and leaves out what was not said', async () => {
  const args = ['customer', 'price', 'add', 'acme', 'rtc', 'hd'];
  const { code, out, asked } = await meterline([...args, '--valid-from', '2026-04-01', '--price', JSON.stringify(price)], server);
  expect(code).toBe(0);
  expect(asked).toMatchObject([{ method: 'POST', url: PRICES }]);
  expect(JSON.parse(asked[0]?.body ?? '')).toEqual({ plan: 'rtc', rateCard: 'hd', validFrom: '2026-04-01T00:00:00Z', price });
  expect(out).toBe('acme has this price of hd in rtc from 2026-04-01T00:00:00Z on (1).');
  const off = await meterline([...args, '--modifiers', '{"percentOff":"20"}', '--note', 'offer 17', '--correction'], server);
  expect(JSON.parse(off.asked[0]?.body ?? '')).toEqual({
    ...{ plan: 'rtc', rateCard: 'hd', note: 'offer 17', correction: true },
    modifiers: { percentOff: '20' },
  });
  const malformed = await meterline([...args, '--price', '0.01 each'], server);
  expect([malformed.code, malformed.asked]).toEqual([2, []]);
});

it('customer price list shows from when to when each holds, as known at the instant given', async () => {
  const { out, asked } = await meterline(['customer', 'price', 'list', 'acme', '--as-known-on', '2026-03-01'], server);
  expect(asked[0]?.url).toContain('asKnownOn=2026-03-01T00%3A00%3A00Z');
  expect(out.split('\n').at(-1)?.trim().split(/ {2,}/)).toEqual([
    ...['1', 'rtc', 'hd', '2026-04-01T00:00:00Z', '2026-07-01T00:00:00Z', '2026-03-01T00:00:00Z'],
    ...[JSON.stringify(price), 'offer 17'],
  ]);
});

it('customer price end says up to when it holds', async () => {
  const { out, asked } = await meterline(['customer', 'price', 'end', 'acme', '1', '--at', '2026-07-01'], server);
  expect(asked).toMatchObject([{ url: `${PRICES}/1/end`, body: JSON.stringify({ at: '2026-07-01T00:00:00Z' }) }]);
  expect(out).toBe('acme has price 1 of hd in rtc up to 2026-07-01T00:00:00Z.');
});

it('customer price add without a plan or a rate card is about all of them', async () => {
  const off = { ...entered, plan: null, rateCard: null, price: null, percentOff: '20', note: null };
  const answer = ({ method }: Asked) =>
    method === 'GET' ? { body: { items: [off], nextCursor: null } } : { status: 201, body: off };
  const { out, asked } = await meterline(['customer', 'price', 'add', 'acme', '--percent-off', '20'], answer);
  expect(JSON.parse(asked[0]?.body ?? '')).toEqual({ percentOff: '20' });
  expect(out).toBe('acme has this price of all rate cards in all plans from 2026-04-01T00:00:00Z on (1).');
  const listed = await meterline(['customer', 'price', 'list', 'acme'], answer);
  expect(listed.out.split('\n').at(-1)?.trim().split(/ {2,}/)).toEqual([
    ...['1', 'all', 'all', '2026-04-01T00:00:00Z', '2026-03-01T00:00:00Z', '20 % off'],
  ]);
});
