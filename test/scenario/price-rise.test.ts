import type { InvoiceDocument } from '@meterline/domain/invoices';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ScenarioServer, startScenario } from '../support/scenario-server.ts';

let server: ScenarioServer;
beforeAll(async () => {
  server = await startScenario({ now: '2026-01-01T00:00:00Z' });
}, 60_000);
afterAll(() => server.stop());

interface Move {
  readonly id: string;
  readonly state: string;
  readonly moved: number;
  readonly skipped: number;
  readonly failed: number;
}

const call: ScenarioServer['call'] = (method, route, body) => server.call(method, route, body);

async function moved(body: object): Promise<Move> {
  let move = await call<Move>('POST', '/v1/plans/pro/moves', body);
  while (move.state !== 'complete') {
    await sleep(20);
    move = await call<Move>('GET', `/v1/plans/pro/moves/${move.id}`);
  }
  return move;
}

const cards = (base: string, unitAmount: string) => [
  { key: 'base', name: 'Base', price: { model: 'flat', amount: base } },
  { key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount } },
];

/** Version and amount of each invoice, in the order of their periods. */
async function billed(customer: string, count: number): Promise<string[]> {
  const invoices = await server.invoices(customer, count);
  return invoices
    .toSorted((a, b) => (a.period.from < b.period.from ? -1 : 1))
    .map(({ period, planVersion, total }: InvoiceDocument) => `${period.from.slice(0, 10)} v${planVersion} ${total}`);
}

it('a price rise: some customers pay more at renewal, some now, some never, and one what it negotiated', async () => {
  await call('POST', '/v1/meters', { key: 'calls', eventType: 'call', aggregation: 'sum', valueProperty: '$.n' });
  const billingPeriod = { every: 'month', anchor: 'calendar' };
  await call('POST', '/v1/plans', { key: 'pro', name: 'Pro', currency: 'USD', billingPeriod, rateCards: cards('31.00', '0.10') });
  const customers = ['renewing', 'eager', 'loyal', 'dealer'];
  const subscriptions: Record<string, string> = {};
  for (const key of customers) {
    await call('POST', '/v1/customers', { key, name: key, currency: 'USD', subjects: [key] });
    subscriptions[key] = (await call<{ id: string }>('POST', '/v1/subscriptions', { customer: key, plan: 'pro' })).id;
  }
  const use = (time: string) => server.use(...customers.map((subject) => ({ type: 'call', subject, time, data: { n: '100' } })));

  // The rise: 31.00 becomes 62.00, a call 0.10 becomes 0.15. The dealer agreed on 0.08 a call until the end of March, and 10 % off the fee for good.
  await call('POST', '/v1/plans/pro/versions', { rateCards: cards('62.00', '0.15') });
  const agreed = { plan: 'pro', validFrom: '2026-01-01T00:00:00Z' };
  const price = { model: 'per_unit', unitAmount: '0.08' };
  await call('POST', '/v1/customers/dealer/negotiated-prices', {
    ...agreed,
    rateCard: 'calls',
    price,
    validUntil: '2026-04-01T00:00:00Z',
  });
  await call('POST', '/v1/customers/dealer/negotiated-prices', { ...agreed, rateCard: 'base', modifiers: { percentOff: '10' } });

  await server.clockTo('2026-01-17T10:00:00Z');
  await use('2026-01-10T12:00:00Z');
  await use('2026-01-17T09:00:00Z');
  const rest = { toVersion: 2, when: 'renewal', exceptCustomers: ['loyal', 'eager'] };
  const dry = await moved({ ...rest, dryRun: true });
  expect(dry).toMatchObject({ moved: 2, skipped: 0, failed: 0 });
  const { items } = await call<{ items: { customer: string; estimate: object }[] }>(
    'GET',
    `/v1/plans/pro/moves/${dry.id}/subscriptions`,
  );
  expect(new Map(items.map(({ customer, estimate }) => [customer, estimate]))).toEqual(
    new Map([
      // January with 200 calls, and February with none so far: 51.00 + 31.00, and 51.00 + 62.00
      ['renewing', { before: '82.00', after: '113.00', difference: '31.00' }],
      // 27.90 + 200 * 0.08 + 27.90, and 27.90 + 200 * 0.08 + 55.80
      ['dealer', { before: '71.80', after: '99.70', difference: '27.90' }],
    ]),
  );
  expect(await moved({ toVersion: 2, when: 'now', customers: ['eager'] })).toMatchObject({ moved: 1 });
  expect(await moved(rest)).toMatchObject({ moved: 2, skipped: 0, failed: 0 });
  expect(await moved(rest)).toMatchObject({ moved: 0, skipped: 2 });

  await server.clockTo('2026-02-15T10:00:00Z');
  await use('2026-02-10T12:00:00Z');
  await server.clockTo('2026-03-02T10:00:00Z');
  expect(await billed('renewing', 2)).toEqual([
    '2026-01-01 v1 51.00', // 31.00 + 200 * 0.10
    '2026-02-01 v2 77.00', // 62.00 + 100 * 0.15
  ]);
  expect(await billed('eager', 3)).toEqual([
    '2026-01-01 v1 26.00', // 31.00 * 16 / 31 + 100 * 0.10
    '2026-01-17 v2 45.00', // 62.00 * 15 / 31 + 100 * 0.15
    '2026-02-01 v2 77.00',
  ]);
  expect(await billed('loyal', 2)).toEqual([
    '2026-01-01 v1 51.00',
    '2026-02-01 v1 41.00', // 31.00 + 100 * 0.10
  ]);
  expect(await billed('dealer', 2)).toEqual([
    '2026-01-01 v1 43.90', // 31.00 * 90 % + 200 * 0.08
    '2026-02-01 v2 63.80', // 62.00 * 90 % + 100 * 0.08
  ]);
  const [invoice] = await server.invoices('dealer', 2);
  expect(invoice?.lines.map(({ key, negotiated }) => [key, negotiated])).toEqual([
    ['base', 2],
    ['calls', 1],
  ]);

  // What was negotiated for the calls ends with March; the rest of the deal, and the list price of the new version, go on.
  await server.clockTo('2026-04-15T10:00:00Z');
  await use('2026-04-10T12:00:00Z');
  await server.clockTo('2026-05-02T10:00:00Z');
  expect((await billed('dealer', 4)).slice(2)).toEqual([
    '2026-03-01 v2 55.80',
    '2026-04-01 v2 70.80', // 55.80 + 100 * 0.15
  ]);
  const { negotiatedPrices } = await call<{ negotiatedPrices: object[] }>('GET', `/v1/subscriptions/${subscriptions['dealer']}`);
  expect(negotiatedPrices).toMatchObject([{ rateCard: 'base', modifiers: { percentOff: '10' }, validUntil: null }]);
  const { holds, invariants } = await server.reconciliation();
  expect(invariants.flatMap(({ differences }) => differences)).toEqual([]);
  expect(holds).toBe(true);
}, 180_000);
