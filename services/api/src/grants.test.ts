import { catalogStores } from '@meterline/backends/postgres';
import { executeInvoiceRun, requestInvoiceRun } from '@meterline/pipeline/invoices';
import type { Database } from '@meterline/pipeline/ports';
import { addIdempotency, createHttpServer, type HttpServer } from '@meterline/runtime/http';
import { createLogger } from '@meterline/runtime/logging';
import { createMetrics } from '@meterline/runtime/metrics';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';
import { grantRoutes } from './grants.ts';

let database: Database;
let it: RatingFixture;
let server: HttpServer;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  it = await openRatingFixture(database, '2026-02-15T12:00:00Z');
  server = await createHttpServer({
    logger: createLogger({ level: 'silent', service: 'test' }),
    metrics: createMetrics({ processMetrics: false }),
    authenticate: async (token) => {
      const [tenant = '', scope] = token.split('/');
      return { tenant, keyId: token, scopes: new Set([scope === 'read' ? ('read' as const) : ('admin' as const)]) };
    },
    openapi: { title: 'Meterline', version: '0.0.0' },
    bodyBytesMax: 100_000,
  });
  addIdempotency(server, { database, clock: it.clock });
  grantRoutes(server, { ...it.ports, customers: catalogStores(database).customers });
  await it.meter('calls', 'sum', { quality: '$.q' });
  await it.meter('peak', 'max');
  await it.customer('acme', ['a']);
  return () => server.close();
});

async function call(method: 'GET' | 'POST' | 'PUT', url: string, body?: unknown, more: { as?: string; key?: string } = {}) {
  const headers = {
    authorization: `Bearer ${more.as ?? it.tenant}`,
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(more.key !== undefined && { 'idempotency-key': more.key }),
  };
  const answer = await server.inject({ method, url, headers, ...(body !== undefined && { payload: JSON.stringify(body) }) });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json<Record<string, unknown>>() };
}

const PACK = { kind: 'units', key: 'starter', name: 'Starter', amount: '100', meter: 'calls', filter: { quality: 'hd' } };
const GRANTS = '/v1/customers/acme/grants';

describe('grants', () => {
  test('are given with all their terms, and listed newest first, page by page', async () => {
    const carryOver = { percent: '25', maximum: '10', expiresAt: '2026-06-01T00:00:00Z' };
    const unitConversion = { operation: 'divide', factor: '60', rounding: 'half_up' };
    const terms = { priority: 3, cost: '9.90', effectiveAt: '2026-02-01T00:00:00Z', expiresAt: '2026-05-01T00:00:00Z' };
    const given = await call('POST', GRANTS, { ...PACK, ...terms, unitConversion, carryOver });
    expect(given).toMatchObject({
      status: 201,
      body: { ...PACK, ...terms, unitConversion, carryOver, filter: { quality: ['hd'] }, currency: null, carriedFrom: null },
    });
    await call('POST', GRANTS, { kind: 'money', key: 'welcome', name: 'Welcome', amount: '5.50' });
    const first = await call('GET', `${GRANTS}?limit=1`);
    expect(first.body).toMatchObject({
      items: [{ key: 'welcome', kind: 'money', currency: 'USD', cost: null, expiresAt: null }],
    });
    const second = await call('GET', `${GRANTS}?limit=1&cursor=${String(first.body['nextCursor'])}`);
    expect(second.body).toMatchObject({ items: [given.body], nextCursor: null });
  });

  test('asked for again are answered again: by their key, and by the Idempotency-Key', async () => {
    const given = await call('POST', GRANTS, PACK, { key: 'once' });
    const replayed = await call('POST', GRANTS, PACK, { key: 'once' });
    expect([replayed.body, replayed.headers['idempotent-replayed']]).toEqual([given.body, 'true']);
    expect((await call('POST', GRANTS, PACK, { key: 'another' })).body).toEqual(given.body);
    expect(await call('POST', GRANTS, { ...PACK, name: 'Other' })).toMatchObject({
      status: 409,
      body: { code: 'grant.key_taken', errors: [{ path: 'key' }] },
    });
    expect(await it.ledger('acme')).toEqual(['starter grant 100 -> 100']);
  });

  test.each([
    [{ ...PACK, meter: 'nothing' }, 'grant.invalid', ['meter']],
    [{ ...PACK, filter: { colour: 'red', size: 'xl' } }, 'grant.invalid', ['filter.colour', 'filter.size']],
    [{ ...PACK, meter: 'peak', filter: {} }, 'grant.invalid', ['meter']],
    [{ ...PACK, expiresAt: '2026-01-01T00:00:00Z' }, 'grant.invalid', ['expiresAt']],
    [{ ...PACK, carryOver: { expiresAt: '2027-01-01T00:00:00Z' } }, 'grant.invalid', ['carryOver']],
    [
      { ...PACK, expiresAt: '2027-01-01T00:00:00Z', carryOver: { expiresAt: '2027-01-01T00:00:00Z' } },
      'grant.invalid',
      ['carryOver.expiresAt'],
    ],
    [{ kind: 'money', key: 'm', name: 'M', amount: '1.001', currency: 'EUR' }, 'grant.invalid', ['currency', 'amount']],
    [{ ...PACK, amount: '0', priority: 1.5, cost: '-1' }, 'request.invalid', ['amount', 'priority', 'cost']],
    [{ ...PACK, kind: 'money' }, 'request.invalid', ['meter', 'filter']],
  ])('%o are refused, naming every fault', async (body, code, paths) => {
    const answer = await call('POST', GRANTS, body);
    expect([answer.status, answer.body['code']]).toEqual([400, code]);
    const found = (answer.body['errors'] as { path: string }[]).map(({ path }) => path);
    expect(found.toSorted()).toEqual(paths.toSorted());
    expect(await it.ledger('acme')).toEqual([]);
  });

  test('are voided once', async () => {
    const { body } = await call('POST', GRANTS, PACK);
    const path = `/v1/grants/${String(body['id'])}/void`;
    expect(await call('POST', path)).toMatchObject({ status: 200, body: { customer: 'acme', voided: true, balance: '0' } });
    expect(await call('POST', path)).toMatchObject({ status: 409, body: { code: 'grant.voided' } });
    expect(await call('POST', '/v1/grants/none/void')).toMatchObject({ status: 404, body: { code: 'grant.unknown' } });
  });

  test('are for the admin to give, and for readers of the tenant to see', async () => {
    expect((await call('POST', GRANTS, PACK, { as: `${it.tenant}/read` })).status).toBe(403);
    for (const path of [GRANTS, '/v1/customers/acme/ledger', '/v1/customers/acme/balances']) {
      expect((await call('GET', path, undefined, { as: `${it.tenant}/read` })).status).toBe(200);
      expect(await call('GET', path, undefined, { as: 'other' })).toMatchObject({
        status: 404,
        body: { code: 'customer.unknown' },
      });
    }
  });
});

describe('balances', () => {
  test('show what is booked, pending and available, in burn order, each and in total', async () => {
    await it.plan('pro', [{ key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '1' } }]);
    await it.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    const early = { ...PACK, filter: {}, effectiveAt: '2026-01-01T00:00:00Z' };
    await call('POST', GRANTS, { ...early, key: 'paid', amount: '40', cost: '1' });
    await call('POST', GRANTS, { ...early, key: 'free', amount: '25', priority: 5 });
    await call('POST', GRANTS, { ...early, key: 'later', effectiveAt: '2026-12-01T00:00:00Z' });
    expect(await call('PUT', '/v1/customers/acme/burn-order', { order: 'free_first' })).toMatchObject({
      body: { order: 'free_first' },
    });
    await it.use('calls', 'a', '2026-01-10T00:00:00Z', '10');
    await it.use('calls', 'a', '2026-02-10T00:00:00Z', '20');
    const { body } = await call('GET', '/v1/customers/acme/balances');
    expect(body).toMatchObject({
      position: 3,
      grants: [
        { key: 'later', state: 'scheduled', balance: '100', pending: '0', available: '0' },
        { key: 'free', state: 'used', balance: '25', pending: '25', available: '0' },
        { key: 'paid', state: 'active', balance: '40', pending: '5', available: '35' },
      ],
      totals: [{ kind: 'units', meter: 'calls', balance: '165', pending: '30', available: '35' }],
    });
  });

  test('as of an earlier instant are what was booked by then', async () => {
    await it.plan('pro', [{ key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '1' } }]);
    await it.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await call('POST', GRANTS, { ...PACK, filter: {}, effectiveAt: '2026-01-01T00:00:00Z' });
    await it.use('calls', 'a', '2026-01-10T00:00:00Z', '10');
    it.clock.moveTo(Date.parse('2026-02-16T00:00:00Z'));
    await executeInvoiceRun(it.ports, await requestInvoiceRun(it.ports, undefined, it.tenant));
    const at = async (instant: string) => (await call('GET', `/v1/customers/acme/balances?at=${instant}`)).body;
    expect(await at('2026-02-15T00:00:00Z')).toMatchObject({ position: 0, grants: [] });
    expect(await at('2026-02-15T23:00:00Z')).toMatchObject({ position: 1, grants: [{ balance: '100', available: '100' }] });
    expect((await call('GET', '/v1/customers/acme/balances')).body).toMatchObject({ position: 2, grants: [{ balance: '90' }] });
    expect(await at('2027-01-01T00:00:00Z')).toMatchObject({ code: 'balances.at_in_future', errors: [{ path: 'at' }] });
  });
});
