import { Meterline } from '@meterline/sdk';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Receiver, startReceiver } from '../../packages/cli/src/demo/receiver.ts';
import { type ScenarioServer, startScenario } from '../support/scenario-server.ts';

let server: ScenarioServer;
let receiver: Receiver;
let sdk: Meterline;
let sent = 0;

beforeAll(async () => {
  receiver = await startReceiver();
  server = await startScenario({ now: '2026-02-03T09:00:00Z', settings: { METERLINE_WEBHOOK_ALLOW: 'loopback' } });
  // No cache, so that every check asks the server.
  sdk = new Meterline({ url: server.url, apiKey: server.key, entitlementCacheMs: 0, entitlementTimeoutMs: 30_000 });
}, 60_000);
afterAll(async () => {
  await sdk.close({ timeoutMs: 0 });
  await server.stop();
  await receiver.close();
});

const call: ScenarioServer['call'] = (method, route, body) => server.call(method, route, body);

/** Does not wait until it counts: checks have to see it soon. */
const talk = (time: string, minutes: string, media = 'video') =>
  call('POST', '/v1/events', [
    { specversion: '1.0', id: `c-${(sent += 1)}`, source: 't', type: 'call', subject: 'room', time, data: { minutes, media } },
  ]);
const check = async (feature = 'video') => (await sdk.checkEntitlement('acme', feature)).entitlement;
const used = () => expect.poll(async () => (await check())?.used, { timeout: 10_000, interval: 10 });
const told = () =>
  receiver.messages.map(({ data }) => `${String(data['percent'])}% of ${String(data['limit'])} at ${String(data['used'])}`);
const monthly = { every: 'month', anchor: 'calendar' };
const perMinute = (unitAmount: string) => [
  { key: 'video', name: 'Video', meter: 'minutes', filter: { media: 'video' }, price: { model: 'per_unit', unitAmount } },
];

it('a free plan is warned at 80 %, stopped at 100 %, open again when its month ends, and larger once a published plan stands beside it', async () => {
  const { secret } = await call<{ secret: string }>('POST', '/v1/webhook-endpoints', {
    url: receiver.url,
    events: ['entitlement.threshold_reached'],
  });
  receiver.trust(secret);
  await call('POST', '/v1/meters', {
    ...{ key: 'minutes', eventType: 'call', aggregation: 'sum', valueProperty: '$.minutes', dimensions: { media: '$.media' } },
  });
  await call('POST', '/v1/features', { key: 'video', name: 'Video calls', meter: 'minutes', filter: { media: 'video' } });
  await call('POST', '/v1/features', { key: 'sso', name: 'Single sign-on' });
  const free = { type: 'metered', limit: '1000', warnAtPercent: [80] };
  await call('POST', '/v1/plans', {
    ...{ key: 'free', name: 'Free', currency: 'USD', billingPeriod: monthly, rateCards: perMinute('0') },
    features: [{ feature: 'video', entitlement: free }],
  });
  await call('POST', '/v1/customers', { key: 'acme', name: 'Acme', currency: 'USD', subjects: ['room'] });
  const { id } = await call<{ id: string }>('POST', '/v1/subscriptions', { customer: 'acme', plan: 'free' });
  expect(await check()).toMatchObject({ hasAccess: true, used: '0', balance: '1000', resetsAt: '2026-03-01T00:00:00Z' });
  expect(await check('sso')).toMatchObject({ hasAccess: false, type: null });

  // 699.5 of 1,000: below 80 %. Audio is not of this feature.
  await talk('2026-02-03T09:00:00Z', '699.5');
  await talk('2026-02-03T09:00:00Z', '5000', 'audio');
  await used().toBe('699.5');
  // 699.5 + 100.5 = 800: exactly 80 %, so it is reached, and 200 are left.
  await talk('2026-02-03T09:00:10Z', '100.5');
  await used().toBe('800');
  expect(await check()).toMatchObject({ hasAccess: true, balance: '200', overage: '0' });
  await expect.poll(told, { timeout: 10_000 }).toEqual(['80% of 1000 at 800']);
  // 800 + 150 = 950: between the levels.
  await talk('2026-02-03T09:00:20Z', '150');
  await used().toBe('950');
  // 950 + 75.25 = 1,025.25: the limit is passed by 25.25.
  await talk('2026-02-03T09:00:30Z', '75.25');
  await expect.poll(async () => (await check())?.hasAccess, { timeout: 5_000, interval: 10 }).toBe(false);
  expect(await check()).toMatchObject({ used: '1025.25', balance: '0', overage: '25.25' });
  await expect.poll(told, { timeout: 10_000 }).toEqual(['80% of 1000 at 800', '100% of 1000 at 1025.25']);
  expect(receiver.messages[1]?.data).toMatchObject({
    ...{ customer: 'acme', feature: 'video', hasAccess: false, balance: '0', overage: '25.25' },
    sources: [{ subscription: id, plan: 'free', version: 1 }],
    // From the first day of the subscription on.
    period: { from: '2026-02-03T00:00:00Z', to: '2026-03-01T00:00:00Z' },
  });
  // 1,025.25 + 100 = 1,125.25: usage that came in all the same counts, and nobody is told twice.
  await talk('2026-02-03T09:00:40Z', '100');
  await used().toBe('1125.25');
  // What is kept for checks is no more than that: without it, the stores say the same.
  await call('POST', '/v1/entitlements/rebuild');
  expect(await check()).toMatchObject({ hasAccess: false, used: '1125.25' });

  // The month ends: open again, from nothing, without any usage.
  await call('POST', '/v1/clock', { now: '2026-03-01T00:00:00Z' });
  expect(await check()).toMatchObject({ hasAccess: true, used: '0', balance: '1000', resetsAt: '2026-04-01T00:00:00Z' });
  // Late usage of February is of February.
  await talk('2026-02-28T23:59:00Z', '300');
  await talk('2026-03-01T00:00:00Z', '60');
  await used().toBe('60');

  // A larger plan, as a draft first: nobody can have it, and it may change.
  const pro = (limit: string) => [
    { feature: 'video', entitlement: { type: 'metered', limit } },
    { feature: 'sso', entitlement: { type: 'boolean' } },
  ];
  await call('POST', '/v1/plans', {
    ...{ key: 'pro', name: 'Pro', currency: 'USD', billingPeriod: monthly, rateCards: perMinute('0.01'), draft: true },
    features: pro('9'),
  });
  await expect(call('POST', '/v1/subscriptions', { customer: 'acme', plan: 'pro' })).rejects.toThrow('plan.draft');
  await call('PUT', '/v1/plans/pro/versions/1', { rateCards: perMinute('0.01'), features: pro('5000') });
  await call('POST', '/v1/plans/pro/versions/1/publish');
  await call('POST', '/v1/subscriptions', { customer: 'acme', plan: 'pro' });
  // Both reset on 1 April, so that they add up: 1,000 + 5,000, of which 60 are used.
  await expect.poll(async () => (await check())?.balance, { timeout: 5_000, interval: 10 }).toBe('5940');
  expect(await check()).toMatchObject({ limit: '6000', used: '60' });
  expect(await check('sso')).toMatchObject({ hasAccess: true, type: 'boolean' });
  expect(told()).toHaveLength(2);
}, 120_000);
