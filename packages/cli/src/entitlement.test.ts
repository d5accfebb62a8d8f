import { expect, it } from 'vitest';
import { meterline, problem } from './fixture.ts';

const asOf = { cut: [12, 7], at: '2026-02-10T12:00:00Z' };
const nothing = { limit: null, softLimit: false, used: null, balance: null, overage: null, resetsAt: null, value: null };
const sources = [{ subscription: 'sub_1', plan: 'free', version: 2 }];
const calls = {
  ...{ feature: 'calls', name: 'Calls', hasAccess: true, type: 'metered', limit: '2000', softLimit: false, used: '1500.5' },
  ...{ balance: '499.5', overage: '0', resetsAt: '2026-03-01T00:00:00Z', value: null, sources },
};
const storage = { ...calls, feature: 'storage', used: '2500', balance: '0', overage: '500', softLimit: true };
const items = [
  calls,
  { ...calls, ...nothing, feature: 'seats', type: 'static', value: '{"seats":5}' },
  { ...calls, ...nothing, feature: 'sms', used: '3', overage: '0' },
  storage,
];

/** Lines of a table as their cells. */
const cells = (out: string) => out.split('\n').map((line) => line.trim().split(/ {2,}/));

it('entitlement shows each feature with a bar of what is used of its limit, what is left, and which plan gives it', async () => {
  const { code, out, asked } = await meterline(['entitlement', 'acme/eu'], () => ({
    body: { customer: 'acme/eu', asOf, items },
  }));
  expect(code).toBe(0);
  expect(asked.map(({ url }) => url)).toEqual(['/v1/customers/acme%2Feu/entitlements']);
  expect(cells(out)).toEqual([
    ['acme/eu'],
    [''],
    ['feature', 'access', 'used', 'of', 'left', 'resets', 'by'],
    [expect.stringMatching(/^─+$/)],
    // 1,500.5 of 2,000 are 15.005 of 20 cells, and what has begun is shown
    ['calls', 'yes', `${'█'.repeat(16)}░░░░`, '1,500.5', '2,000', '499.5', '2026-03-01T00:00:00Z', 'free 2'],
    ['seats', 'yes', '{"seats":5}', 'free 2'],
    ['sms', 'yes', '3', 'unlimited', 'free 2'],
    ['storage', 'yes', '█'.repeat(20), '2,500', '2,000 (soft)', '500 over', '2026-03-01T00:00:00Z', 'free 2'],
    [''],
    ['As of 2026-02-10T12:00:00Z, offset 12, 7 of the event log.'],
  ]);
  const none = await meterline(['entitlement', 'acme'], () => ({ body: { customer: 'acme', asOf, items: [] } }));
  expect(none.out).toMatch(/^acme is entitled to nothing\./);
});

it('entitlement of one feature ends with 0 if the customer may use it, with 1 if not, and with the reason if there is none', async () => {
  const ask = (body: object) =>
    meterline(['entitlement', 'acme', 'calls'], () => ({ body: { customer: 'acme', asOf, ...body } }));
  const allowed = await ask(calls);
  expect([allowed.code, allowed.asked[0]?.url]).toEqual([0, '/v1/customers/acme/entitlements/calls']);
  expect(allowed.out).toContain('1,500.5');
  const refused = await ask({ ...calls, hasAccess: false });
  expect(refused.code).toBe(1);
  expect(refused.err).toContain('acme may not use calls now');
  const unknown = await meterline(['entitlement', 'acme', 'x'], () =>
    problem(404, 'feature.unknown', 'There is no feature "x".'),
  );
  expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('feature.unknown')]);
});

it('queue rebuild --balances forgets the balances kept for checks beside', async () => {
  const { code, out, asked } = await meterline(['queue', 'rebuild', '--balances'], ({ url }) => ({
    body: url === '/v1/entitlements/rebuild' ? { forgotten: 1200 } : { invoiceRuns: 0, planMoves: 0 },
  }));
  expect(code).toBe(0);
  expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'POST /v1/queues/rebuild',
    'POST /v1/entitlements/rebuild',
  ]);
  expect(out).toBe('Nothing is pending.\nBalances forgotten, to be made again from the stores: 1,200.');
});

it('plan publish publishes the draft named', async () => {
  const { code, out, asked } = await meterline(['plan', 'publish', 'pro', '3'], () => ({ body: { key: 'pro', version: 3 } }));
  expect([code, asked[0]?.method, asked[0]?.url]).toEqual([0, 'POST', '/v1/plans/pro/versions/3/publish']);
  expect(out).toBe('New subscriptions to pro get version 3 from here on.');
});
