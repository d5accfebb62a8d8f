import { catalogStores } from '@meterline/backends/postgres';
import { evaluateWakeups } from '@meterline/pipeline/alerts';
import type { Database } from '@meterline/pipeline/ports';
import { createHttpServer, type HttpServer } from '@meterline/runtime/http';
import { createLogger } from '@meterline/runtime/logging';
import { createMetrics } from '@meterline/runtime/metrics';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';
import { entitlementRoutes } from './entitlements.ts';

let database: Database;
let it: RatingFixture;
let server: HttpServer;
beforeAll(async () => {
  database = await openTestDatabase();
  it = await openRatingFixture(database, '2026-02-10T12:00:00Z');
  server = await createHttpServer({
    logger: createLogger({ level: 'silent', service: 'test' }),
    metrics: createMetrics({ processMetrics: false }),
    authenticate: async (token) => {
      const scopes = new Set([token === 'reader' ? ('read' as const) : ('admin' as const)]);
      return { tenant: token === 'stranger' ? 'stranger' : it.tenant, keyId: token, scopes };
    },
    openapi: { title: 'Meterline', version: '0.0.0' },
    bodyBytesMax: 100_000,
  });
  entitlementRoutes(server, { ...it.ports, features: catalogStores(database).features });
  await it.meter('calls');
  const { features, plans } = catalogStores(database);
  const nowMs = it.clock.nowMs();
  await features.insert({ key: 'calling', name: 'Calls', meter: 'calls', filter: {} }, nowMs, it.tenant);
  await features.insert({ key: 'sso', name: 'Single sign-on', meter: null, filter: {} }, nowMs, it.tenant);
  const allowed = [{ feature: 'calling', entitlement: { type: 'metered', limit: '100' } } as const];
  const billingPeriod = { every: 'month', anchor: 'calendar' } as const;
  await plans.insert(
    { key: 'pro', name: 'Pro', currency: 'USD', billingPeriod, rateCards: [], features: allowed },
    nowMs,
    it.tenant,
  );
  await it.customer('acme', ['a']);
});
afterAll(async () => {
  await server.close();
  await database.close();
});

async function ask(url: string, as = 'reader', method: 'GET' | 'POST' = 'GET') {
  const answer = await server.inject({ method, url, headers: { authorization: `Bearer ${as}` } });
  return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
}

test('a check answers all a caller needs to know, at a cut that is told, to whoever may read', async () => {
  const subscription = await it.subscribe('acme', 'pro', '2026-02-01T00:00:00Z');
  await it.use('calls', 'a', '2026-02-09T00:00:00Z', '100.25');
  const source = { subscription, plan: 'pro', version: 1 };
  const entitlement = {
    ...{ feature: 'calling', name: 'Calls', hasAccess: false, type: 'metered', limit: '100', softLimit: false },
    ...{ used: '100.25', balance: '0', overage: '0.25', value: null, source, sources: [source] },
    period: { from: '2026-02-01T00:00:00Z', to: '2026-03-01T00:00:00Z' },
    resetsAt: '2026-03-01T00:00:00Z',
  };
  const asOf = { cut: [1], at: expect.stringMatching(/^2026-02-10T12:0/) as string };
  expect(await ask('/v1/customers/acme/entitlements')).toEqual({
    status: 200,
    body: { customer: 'acme', asOf, items: [entitlement] },
  });
  expect(await ask('/v1/customers/acme/entitlements/calling')).toEqual({
    status: 200,
    body: { customer: 'acme', asOf, ...entitlement },
  });
  expect((await ask('/v1/customers/acme/entitlements/sso')).body).toMatchObject({ hasAccess: false, type: null, limit: null });
});

test('what does not exist, also for another tenant, is not found, and kept balances are of one tenant', async () => {
  expect(await ask('/v1/customers/acme/entitlements/none')).toMatchObject({ status: 404, body: { code: 'feature.unknown' } });
  expect(await ask('/v1/customers/none/entitlements')).toMatchObject({ status: 404, body: { code: 'customer.unknown' } });
  expect(await ask('/v1/customers/acme/entitlements', 'stranger')).toMatchObject({ status: 404 });
});

test('after a rebuild every answer is what it was', async () => {
  await evaluateWakeups(it.ports, it.tenant, await it.waiting());
  const before = await ask('/v1/customers/acme/entitlements/calling');
  expect((await ask('/v1/entitlements/rebuild', 'reader', 'POST')).status).toBe(403);
  expect(await ask('/v1/entitlements/rebuild', 'admin', 'POST')).toEqual({ status: 200, body: { forgotten: 1 } });
  expect(await ask('/v1/entitlements/rebuild', 'admin', 'POST')).toEqual({ status: 200, body: { forgotten: 0 } });
  const { asOf: _then, ...was } = before.body;
  const { asOf: _now, ...is } = (await ask('/v1/customers/acme/entitlements/calling')).body;
  expect(is).toEqual(was);
});

test('levels that were reached are listed, of one customer or feature if asked, and of the own tenant only', async () => {
  const reached = {
    ...{ customer: 'acme', feature: 'calling', percent: 100, limit: '100', used: '100.25' },
    period: { from: '2026-02-01T00:00:00Z', to: '2026-03-01T00:00:00Z' },
    triggeredAt: expect.stringMatching(/^2026-02-10T12:0/) as string,
  };
  const of = async (query: string, as?: string) => (await ask(`/v1/entitlement-occurrences${query}`, as)).body['items'];
  expect(await of('')).toMatchObject([reached]);
  expect(await of('?customer=acme&feature=calling')).toMatchObject([reached]);
  expect(await of('?feature=sso')).toEqual([]);
  expect(await of('?customer=other')).toEqual([]);
  expect(await of('', 'stranger')).toEqual([]);
});
