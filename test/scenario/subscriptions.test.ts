import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ScenarioServer, startScenario } from '../support/scenario-server.ts';

let server: ScenarioServer;

beforeAll(async () => {
  server = await startScenario({ now: '2026-02-01T00:00:00Z' });
  await call('POST', '/v1/meters', { key: 'calls', eventType: 'call', aggregation: 'sum', valueProperty: '$.n' });
  const plan = { currency: 'USD', billingPeriod: { every: 'month', anchor: 'calendar' } };
  const calls = (unitAmount: string) => ({
    key: 'calls',
    name: 'Calls',
    meter: 'calls',
    price: { model: 'per_unit', unitAmount },
  });
  await call('POST', '/v1/plans', { ...plan, key: 'payg', name: 'Pay as you go', rateCards: [calls('0.01')] });
  await call('POST', '/v1/plans', {
    ...plan,
    key: 'package',
    name: 'Package',
    rateCards: [
      {
        key: 'package',
        name: 'Package',
        meter: 'calls',
        price: { model: 'flat', amount: '28.00' },
        modifiers: { allowance: { units: '5000', overagePrice: { model: 'per_unit', unitAmount: '0.005' } } },
      },
    ],
  });
  for (const [key, amount] of [
    ['basic', '31.00'],
    ['large', '93.00'],
  ] as const) {
    const rateCards = [{ key: 'base', name: 'Base', price: { model: 'flat', amount } }];
    const changeRules = { noticeHours: 48, downgrade: 'period_end', ...(key === 'basic' && { changeFee: '2.00' }) };
    await call('POST', '/v1/plans', { ...plan, key, name: key, rateCards, changeRules });
  }
}, 60_000);
afterAll(() => server.stop());

const call: ScenarioServer['call'] = (method, route, body) => server.call(method, route, body);
const use = (time: string, subject: string, n: string) => server.use({ type: 'call', subject, time, data: { n } });

/** Waits for so many invoices of the customer: `from..to plan total`, by their days. */
async function invoiced(customer: string, count: number): Promise<string[]> {
  const invoices = await server.invoices(customer, count);
  return invoices
    .map(({ period, plan, total }) => `${period.from.slice(5, 10)}..${period.to.slice(5, 10)} ${plan} ${total}`)
    .toSorted();
}

async function subscribe(customer: string, plan: string): Promise<string> {
  await call('POST', '/v1/customers', { key: customer, name: customer, currency: 'USD', subjects: [customer] });
  return (await call<{ id: string }>('POST', '/v1/subscriptions', { customer, plan })).id;
}

interface Preview {
  readonly token: string;
  readonly now: { readonly total: string };
  readonly next: readonly { readonly from: string; readonly to: string; readonly plan: string; readonly total: string }[];
  readonly total: string;
  readonly differences: { readonly allowances: readonly { readonly message: string | null; readonly exceeds: boolean }[] };
}
interface Made {
  readonly change: { readonly id: string; readonly state: string };
  readonly subscription: { readonly plan: string; readonly stages: readonly { readonly from: string; readonly plan: string }[] };
}
const changesRoute = (id: string) => `/v1/subscriptions/${id}/changes`;
const change = (id: string, body: object) => call<Made>('POST', changesRoute(id), body);

it('from pay as you go to a package on 17 February and back: shown beforehand, charged as shown, and no call lost', async () => {
  const id = await subscribe('acme', 'payg');
  await server.clockTo('2026-02-17T09:00:00Z');
  await use('2026-02-16T23:59:59Z', 'acme', '300');
  await use('2026-02-17T08:00:00Z', 'acme', '1000');

  const preview = await call<Preview>('POST', `${changesRoute(id)}/preview`, { kind: 'plan', plan: 'package' });
  // Over already: 300 * 0.01 of 16 days. To come: 28.00 * 12 / 28 with 1,000 of 5,000 calls used, then 28.00 for March.
  expect(preview.now.total).toBe('3.00');
  expect(preview.next.map(({ from, plan, total }) => [from.slice(5, 10), plan, total])).toEqual([
    ['02-17', 'package', '12.00'],
    ['03-01', 'package', '28.00'],
  ]);
  const { subscription } = await change(id, { token: preview.token });
  expect(subscription.plan).toBe('package');
  const again = await server.refusal('POST', changesRoute(id), { token: preview.token });
  expect([again.status, again.code]).toEqual([409, 'subscription.changed_since']);

  await server.clockTo('2026-03-10T09:00:00Z');
  await invoiced('acme', 2);
  await use('2026-03-09T08:00:00Z', 'acme', '6000');
  // Back to pay as you go: 6,000 calls are used of what will include none.
  const back = await call<Preview>('POST', `${changesRoute(id)}/preview`, {
    kind: 'plan',
    plan: 'payg',
    at: '2026-03-15T00:00:00Z',
  });
  expect(back.differences.allowances).toMatchObject([{ exceeds: true, message: 'Package: you use 6000 of 0 (5000 before)' }]);
  await change(id, { token: back.token });
  await server.clockTo('2026-03-21T00:00:00Z');
  await use('2026-03-20T08:00:00Z', 'acme', '50');
  await server.clockTo('2026-04-01T00:10:00Z');
  expect(await invoiced('acme', 4)).toEqual([
    '02-01..02-17 payg 3.00',
    '02-17..03-01 package 12.00',
    '03-01..03-15 package 17.65', // 28.00 * 14 / 31 = 12.645..., and 1,000 * 0.005
    '03-15..04-01 payg 0.50',
  ]);
  expect((await server.reconciled()).differences).toEqual([]);
}, 120_000);

it('upgrade now with its fee, a campaign that reverts by itself, a rest, and a downgrade that is scheduled under notice and withdrawn', async () => {
  const id = await subscribe('globex', 'basic');
  await server.clockTo('2026-04-11T10:00:00Z');
  // April: basic 31.00 * 10 / 30; then large for the campaign, 10 days, 93.00 * 10 / 30 and the fee of 2.00; then basic again, 10 days.
  await change(id, { kind: 'plan', plan: 'large', until: '2026-04-21T00:00:00Z' });
  await server.clockTo('2026-05-01T00:10:00Z');
  expect(await invoiced('globex', 3)).toEqual([
    '04-01..04-11 basic 10.33',
    '04-11..04-21 large 33.00',
    '04-21..05-01 basic 10.33',
  ]);

  await server.clockTo('2026-05-11T10:00:00Z');
  await change(id, { kind: 'plan', plan: 'large' });
  const refused = await server.refusal('POST', changesRoute(id), { kind: 'plan', plan: 'basic' });
  expect(refused.status).toBe(409);
  expect(refused.errors).toMatchObject([
    { path: 'changeRules.noticeHours', message: expect.stringContaining('allowed from 2026-05-14T00:00:00Z') as unknown },
    { path: 'changeRules.downgrade', message: expect.stringContaining('allowed from 2026-06-01T00:00:00Z') as unknown },
  ]);
  const { change: scheduled, subscription } = await change(id, { kind: 'plan', plan: 'basic', at: 'period_end' });
  expect([scheduled.state, subscription.stages.map(({ from, plan }) => `${from.slice(5, 10)} ${plan}`)]).toEqual([
    'scheduled',
    ['05-11 large', '06-01 basic'],
  ]);
  await call('DELETE', `${changesRoute(id)}/${scheduled.id}`);
  const { items } = await call<{ items: { kind: string; state: string }[] }>('GET', changesRoute(id));
  expect(items.map(({ kind, state }) => `${kind} ${state}`)).toEqual(['start done', 'plan done', 'plan done', 'plan withdrawn']);

  await server.clockTo('2026-05-18T10:00:00Z');
  await change(id, { kind: 'pause', at: '2026-05-21T00:00:00Z', until: '2026-05-26T00:00:00Z' });
  await server.clockTo('2026-06-01T00:10:00Z');
  // May: basic 31.00 * 10 / 31; large 93.00 * 10 / 31 + 2.00; 5 days of rest; large 93.00 * 6 / 31.
  expect((await invoiced('globex', 6)).slice(3)).toEqual([
    '05-01..05-11 basic 10.00',
    '05-11..05-21 large 32.00',
    '05-26..06-01 large 18.00',
  ]);

  await change(id, { kind: 'cancel', at: '2026-06-10T12:00:00Z' });
  await server.clockTo('2026-06-20T09:00:00Z');
  await change(id, { kind: 'resubscribe' });
  await server.clockTo('2026-07-01T00:10:00Z');
  // June: 93.00 * 10 / 30, through the day of its end; and from the 20th 93.00 * 11 / 30.
  expect((await invoiced('globex', 8)).slice(6)).toEqual(['06-01..06-11 large 31.00', '06-20..07-01 large 34.10']);
  expect((await server.reconciliation()).holds).toBe(true);
}, 120_000);
