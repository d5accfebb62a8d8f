import { catalogStores } from '@meterline/backends/postgres';
import { processPlanMoves } from '@meterline/pipeline/plan-moves';
import type { Database } from '@meterline/pipeline/ports';
import { createHttpServer, type HttpServer } from '@meterline/runtime/http';
import { createLogger } from '@meterline/runtime/logging';
import { createMetrics } from '@meterline/runtime/metrics';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';
import { planMoveRoutes } from './plan-moves.ts';

let database: Database;
let it: RatingFixture;
let server: HttpServer;
const MOVES = '/v1/plans/pro/moves';

beforeAll(async () => {
  database = await openTestDatabase();
  it = await openRatingFixture(database, '2026-03-15T12:00:00Z');
  server = await createHttpServer({
    logger: createLogger({ level: 'silent', service: 'test' }),
    metrics: createMetrics({ processMetrics: false }),
    authenticate: async (token) => ({ tenant: token, keyId: token, scopes: new Set(['admin'] as const) }),
    openapi: { title: 'Meterline', version: '0.0.0' },
    bodyBytesMax: 100_000,
  });
  planMoveRoutes(server, it.ports);
  const fee = { key: 'base', name: 'Base', price: { model: 'flat', amount: '31.00' } } as const;
  await it.plan('pro', [fee]);
  const { plans } = catalogStores(database);
  await plans.addVersion('pro', { rateCards: [fee] }, it.clock.nowMs(), it.tenant);
  await plans.addVersion('pro', { rateCards: [fee], draft: true }, it.clock.nowMs(), it.tenant);
  for (const key of ['acme', 'beta']) {
    await it.customer(key, [key]);
    await it.subscribe(key, 'pro', '2026-03-01T00:00:00Z');
  }
  await processPlanMoves(it.ports);
});
afterAll(async () => {
  await server.close();
  await database.close();
});

async function call(method: 'GET' | 'POST', url: string, body?: unknown, tenant = it.tenant) {
  const headers = { authorization: `Bearer ${tenant}`, ...(body !== undefined && { 'content-type': 'application/json' }) };
  const answer = await server.inject({ method, url, headers, ...(body !== undefined && { payload: JSON.stringify(body) }) });
  return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
}

test("a move is answered at once, told as it goes on and by subscription, and is nobody else's", async () => {
  const asked = { toVersion: 2, when: 'renewal', customers: ['acme'], dryRun: true };
  const started = await call('POST', MOVES, asked);
  expect(started).toMatchObject({
    status: 201,
    body: { ...asked, plan: 'pro', fromVersions: null, exceptCustomers: [], total: 1 },
  });
  await it.jobs.idle();
  const url = `${MOVES}/${String(started.body['id'])}`;
  const done = { state: 'complete', total: 1, pending: 0, moved: 1, skipped: 0, failed: 0 };
  expect(await call('GET', url)).toMatchObject({ status: 200, body: done });
  const { body: steps } = await call('GET', `${url}/subscriptions?state=moved`);
  expect(steps['items']).toMatchObject([
    {
      customer: 'acme',
      fromVersion: 1,
      state: 'moved',
      change: null,
      effectiveAt: '2026-04-01T00:00:00Z',
      estimate: { difference: '0.00' },
    },
  ]);
  const { body: moved } = await call('POST', MOVES, { toVersion: 2, when: 'now' });
  await it.jobs.idle();
  const { body: changed } = await call('GET', `${MOVES}/${String(moved['id'])}/subscriptions?limit=1`);
  expect(changed).toMatchObject({
    items: [{ change: expect.stringMatching(/^chg_/), estimate: null }],
    nextCursor: expect.any(String),
  });
  const { body: list } = await call('GET', MOVES);
  expect((list['items'] as { id: string }[]).map((move) => move.id).toSorted()).toEqual(
    [moved['id'], started.body['id']].toSorted(),
  );
  for (const path of [MOVES, url, `${url}/subscriptions`])
    expect((await call('GET', path, undefined, 'somebody-else')).status).toBe(404);
  expect((await call('POST', MOVES, asked, 'somebody-else')).status).toBe(404);
});

test.each([
  ['to an unknown version', { toVersion: 9 }, 'plan_move.invalid', 'toVersion'],
  ['to a draft', { toVersion: 3 }, 'plan_move.invalid', 'toVersion'],
  ['from the version it leads to', { fromVersions: [1, 2] }, 'plan_move.invalid', 'fromVersions'],
  ['of an unknown customer', { customers: ['acme', 'nobody'] }, 'plan_move.invalid', 'customers[1]'],
  ['but for an unknown customer', { exceptCustomers: ['nobody'] }, 'plan_move.invalid', 'exceptCustomers[0]'],
  ['at another time', { when: 'tomorrow' }, 'request.invalid', 'when'],
])('a move %s is refused, naming the field', async (_, fields, code, path) => {
  const answer = await call('POST', MOVES, { toVersion: 2, when: 'now', ...fields });
  expect(answer).toMatchObject({ status: 400, body: { code, errors: [{ path }] } });
});
