import type { InvoiceDocument } from '@meterline/domain/invoices';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ScenarioServer, startScenario } from '../support/scenario-server.ts';

let server: ScenarioServer;

beforeAll(async () => {
  server = await startScenario({ now: '2026-01-01T00:00:00Z' });
}, 60_000);
afterAll(() => server.stop());

const call: ScenarioServer['call'] = (method, route, body) => server.call(method, route, body);

/** Says how many seats a workspace holds from then on, and waits until it counts. Answers the id of the event. */
async function hold(time: string, workspace: string, seats: number): Promise<string> {
  const [id = ''] = await server.use({ type: 'seats', subject: workspace, time, data: { n: seats } });
  return id;
}

async function invoiceAt(now: string): Promise<InvoiceDocument> {
  await server.clockTo(now);
  await server.invoiceRun();
  const { items } = await call<{ items: { id: string }[] }>('GET', '/v1/invoices?limit=1');
  return call('GET', `/v1/invoices/${items[0]?.id ?? ''}`);
}

const meter = (key: string, more: object) =>
  call('POST', '/v1/meters', { key, name: key, eventType: 'seats', valueProperty: '$.n', dimensions: {}, ...more });
const plan = (key: string, rateCard: object) =>
  call('POST', '/v1/plans', {
    ...{ key, name: key, currency: 'USD', billingPeriod: { every: 'month', anchor: 'calendar' } },
    rateCards: [{ key: 'seats', name: 'Seats', ...rateCard }],
  });

it('seats of two workspaces pay the local days they are held, live and on invoices, also when told late or taken back, and are proven', async () => {
  await call('PUT', '/v1/invoice-schedule', { cron: '0 0 31 12 *' }); // only the runs asked for here
  await meter('seats', { aggregation: 'weighted_sum', level: { values: 'absolute', unit: 'period' } });
  await meter('signups', { aggregation: 'sum' });
  const price = { model: 'per_seat', seatAmount: '31.00', includedSeats: '2' };
  await expect(plan('team', { meter: 'signups', price })).rejects.toThrow(
    /"path":"rateCards\[0\].meter","message":"a price per seat needs a meter that knows the seats at any time/,
  );
  await plan('team', { meter: 'seats', price });
  await call('POST', '/v1/customers', { key: 'acme', name: 'Acme', currency: 'USD', timezone: 'Asia/Shanghai', subjects: ['ws-1', 'ws-2'] }); // prettier-ignore
  await call('POST', '/v1/subscriptions', { customer: 'acme', plan: 'team', startsAt: '2026-01-01T00:00:00Z' });

  await server.clockTo('2026-01-28T00:00:00Z');
  await hold('2026-01-01T02:00:00Z', 'ws-1', 5);
  await hold('2026-01-01T03:00:00Z', 'ws-2', 3);
  await hold('2026-01-10T16:30:00Z', 'ws-1', 7); // half past midnight of the 11th in Shanghai
  const left = await hold('2026-01-27T03:00:00Z', 'ws-2', 0);
  const january = [
    '6 seats at 31.00 beyond 2 included: 186', // 5 + 3 - 2
    '2 seats added at 31.00 for 21 of 31 days: 42',
    '3 seats given back at 31.00 for 5 of 31 days: -15',
  ];
  const told = (lines: readonly { explanation: readonly { description: string; amount: string }[] }[]) =>
    lines[0]?.explanation.map(({ description, amount }) => `${description}: ${amount}`);
  const spend = await call<{ total: string; lines: InvoiceDocument['lines'] }>('GET', '/v1/customers/acme/spend');
  expect([spend.total, told(spend.lines)]).toEqual(['213.00', january]);
  const first = await invoiceAt('2026-02-01T00:10:00Z');
  expect([first.total, told(first.lines)]).toEqual(['213.00', january]);

  // An eighth seat of ws-1 since the 21st is told in February: 11 of 31 days; February has all 8, less 2.
  await hold('2026-01-21T04:00:00Z', 'ws-1', 8);
  expect(await invoiceAt('2026-03-01T00:10:00Z')).toMatchObject({
    adjustments: [{ invoice: 'INV-000001', ratedAmount: '224.00', amount: '11.00' }],
    lines: [{ quantity: '8', amount: '186.00' }],
    total: '197.00',
  });

  // That ws-2 gave its seats back was wrong: 3 seats for 5 days of January, and for all of February.
  await call('POST', `/v1/events/${left}/void`, { source: 'scenario' });
  await server.counted();
  expect(await invoiceAt('2026-04-01T00:10:00Z')).toMatchObject({
    adjustments: [{ amount: '15.00' }, { amount: '93.00' }],
    lines: [{ quantity: '11', amount: '279.00' }], // (8 + 3 - 2) * 31.00
    total: '387.00',
  });
  expect((await server.reconciliation()).invariants.flatMap(({ differences }) => differences)).toEqual([]);
}, 120_000);

it('plan fit rates the same days, and twice the seats', async () => {
  await plan('solo', { meter: 'seats', price: { model: 'per_seat', seatAmount: '62.00', includedSeats: '9' } });
  const { plans } = await call<{ plans: { plan: string; months: string[]; doubledTotal: string }[] }>(
    'GET',
    '/v1/customers/acme/plan-fit?months=3',
  );
  const of = (key: string) => plans.find((each) => each.plan === key);
  // What January came to after all: 213.00 + 11.00 + 15.00; 8, 10 from the 11th on, 11 from the 21st on.
  expect(of('team')?.months).toEqual(['239.00', '279.00', '279.00']);
  // 16, 20, 22, less 2: 14 * 31 + 4 * 21 + 2 * 11 = 540; 20 * 31 = 620 twice
  expect(of('team')?.doubledTotal).toBe('1780.00');
  // 1 beyond 9 for 21 days, another for 11: (21 + 11) * 62 / 31 = 64.00; 2 * 62.00
  expect(of('solo')?.months).toEqual(['64.00', '124.00', '124.00']);
}, 60_000);
