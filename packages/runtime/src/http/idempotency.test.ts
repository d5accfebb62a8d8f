import { readFile } from 'node:fs/promises';
import { PGlite, types } from '@electric-sql/pglite';
import { Fault } from '@meterline/domain/faults';
import type { Database } from '@meterline/pipeline/ports';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { testClock, type TestClock } from '../clock/index.ts';
import { createMetrics } from '../metrics/index.ts';
import { addIdempotency, createHttpServer, type HttpServer, type Problem } from './index.ts';

const catalog = new URL('../../../../infra/postgres/migrations/0002_catalog.sql', import.meta.url);

let pglite: PGlite;
let database: Database;
let server: HttpServer;
let clock: TestClock;
let calls: number;
let work: () => Promise<void>;

beforeAll(async () => {
  const parsers = { [types.TIMESTAMPTZ]: (text: string) => new Date(text).toISOString() };
  pglite = await PGlite.create({ parsers });
  await pglite.exec(await readFile(catalog, 'utf8'));
  await pglite.exec(`insert into tenant values ('t1', 't1', now()), ('t2', 't2', now())`);
  database = {
    query: async <Row extends object>(sql: string, params?: readonly unknown[]) =>
      (await pglite.query<Row>(sql, [...(params ?? [])])).rows,
    transaction: () => Promise.reject(new Error('unused')),
    close: () => pglite.close(),
  };
  clock = testClock('2026-01-01T00:00:00Z');
  server = await createHttpServer({
    logger: pino({ level: 'silent' }),
    metrics: createMetrics({ processMetrics: false }),
    authenticate: async (tenant) => ({ tenant, keyId: 'k', scopes: new Set(['admin']) }),
    openapi: { title: 'Test', version: '1' },
    bodyBytesMax: 1_000,
  });
  addIdempotency(server, { database, clock });
  server.post('/v1/things', { config: { scope: 'admin', idempotent: true } }, async (request, reply) => {
    calls += 1;
    await work();
    return reply.code(201).send({ call: calls, body: request.body });
  });
});

beforeEach(async () => {
  calls = 0;
  work = async () => {};
  await pglite.exec('delete from idempotency_key');
});

afterAll(async () => {
  await server.close();
  await pglite.close();
});

function post(key: string | undefined, payload: object = { a: 1 }, tenant = 't1') {
  const headers = { authorization: `Bearer ${tenant}`, ...(key !== undefined && { 'idempotency-key': key }) };
  return server.inject({ method: 'POST', url: '/v1/things', headers, payload });
}

it('gives the first answer again to the same request, without running it again', async () => {
  const first = await post('k1');
  const second = await post('k1');
  expect(second.statusCode).toBe(201);
  expect(second.body).toBe(first.body);
  expect(second.headers['idempotent-replayed']).toBe('true');
  expect(first.headers['idempotent-replayed']).toBeUndefined();
  expect(calls).toBe(1);
});

it('keeps keys of tenants apart, and runs requests without a key every time', async () => {
  await post('k1');
  await post('k1', { a: 1 }, 't2');
  await post(undefined);
  await post(undefined);
  expect(calls).toBe(4);
});

it('refuses the key for another body', async () => {
  await post('k1', { a: 1 });
  const other = await post('k1', { a: 2 });
  expect([other.statusCode, other.json<Problem>().code]).toEqual([409, 'idempotency.key_reused']);
  expect(calls).toBe(1);
});

it('refuses a request whose first is still running, and lets a retry take over from one that crashed a minute ago', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  work = () => (entered.resolve(), promise);
  const hanging = post('k1');
  await entered.promise;
  const early = await post('k1');
  expect([early.statusCode, early.json<Problem>().code]).toEqual([409, 'idempotency.in_progress']);
  work = async () => {};
  clock.moveTo(clock.nowMs() + 60_000);
  expect((await post('k1')).json<{ call: number }>().call).toBe(2);
  resolve();
  await hanging;
  expect((await post('k1')).json<{ call: number }>().call).toBe(2);
});

it('keeps refusals (4xx) but frees the key after 5xx and 429', async () => {
  const failures = [
    new Fault('unavailable', 'x.down', 'x'),
    new Fault('overloaded', 'x.slow', 'x'),
    new Error('defect'),
    new Fault('conflict', 'x.taken', 'x'),
  ];
  work = async () => {
    const failure = failures.shift();
    if (failure) throw failure;
  };
  const statuses = [];
  for (let attempt = 0; attempt < 5; attempt += 1) statuses.push((await post('k1')).statusCode);
  expect(statuses).toEqual([503, 429, 500, 409, 409]);
  expect(calls).toBe(4);
});

it.each(['', 'two words', 'x'.repeat(256)])('refuses the key %j', async (key) => {
  expect((await post(key)).json<Problem>().code).toBe('idempotency.invalid_key');
});
