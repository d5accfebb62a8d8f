import { auditTrail, catalogStores, invoiceStore, sandboxStore, tenantClock } from '@meterline/backends/postgres';
import { createCatalog, usageQueries } from '@meterline/pipeline/catalog';
import type { Database, UsageQuery, UsageRow } from '@meterline/pipeline/ports';
import { moveSandboxClock, sandboxCatalog } from '@meterline/pipeline/sandboxes';
import { testClock } from '@meterline/runtime/clock';
import { addIdempotency, createHttpServer, type HttpServer } from '@meterline/runtime/http';
import { generateApiKey } from '@meterline/runtime/keys';
import { createLogger } from '@meterline/runtime/logging';
import { createMetrics } from '@meterline/runtime/metrics';
import { openTestDatabase } from '../../../test/support/database.ts';
import { apiRoutes, DOCS_PREFIX, type BackfillState } from './index.ts';

export const NOW = '2026-03-15T12:00:30.500Z';

export const RECONCILIATION = {
  holds: false,
  cut: [42],
  invariants: [{ name: 'segments tile the log', holds: false, counts: { segments: 3 }, differences: ['a hole at 7'] }],
};

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export interface TestApi {
  readonly server: HttpServer;
  readonly database: Database;
  /** Queries that reached the usage reader. */
  readonly queries: UsageQuery[];
  /** What the usage reader answers. */
  readonly rows: UsageRow[];
  /** Sends a request as tenant `one`, unless another is named: `two` is the other tenant, `reader` may only read `one`. */
  call(method: 'GET' | 'POST' | 'PUT' | 'PATCH', url: string, body?: unknown, as?: string): Promise<Answer>;
  close(): Promise<void>;
}

/** The whole control plane on an empty billing store in memory. */
export async function openTestApi(): Promise<TestApi> {
  return serveTestApi(await openTestDatabase());
}

/** The same on a store that is open; with `movable` on a clock that ticks and can be moved. */
export async function serveTestApi(database: Database, options: { movable?: boolean } = {}): Promise<TestApi> {
  const clock = testClock(NOW);
  // Two tests a second apart must see the same minute.
  const still = { ...clock, nowMs: () => Date.parse(NOW) };
  for (const tenant of ['one', 'two']) {
    await database.query('insert into tenant (id, name, created_at) values ($1, $1, now()) on conflict do nothing', [tenant]);
  }
  const stores = catalogStores(database);
  const queries: UsageQuery[] = [];
  const rows: UsageRow[] = [];
  const backfills = new Map<string, BackfillState>();
  const usage = {
    async usage(query: UsageQuery) {
      queries.push(query);
      return { rows, cut: [42] };
    },
    usageAll: () => Promise.reject(new Error('not asked for here')),
    eventValuesAll: () => Promise.reject(new Error('not asked for here')),
    levelsAll: () => Promise.reject(new Error('not asked for here')),
  };

  const sandboxes = sandboxStore(database);
  const tenants = tenantClock(database, options.movable === true ? clock : still);
  const sandboxPorts = {
    sandboxes,
    clock: tenants,
    serverClock: clock,
    ledger: { committedCut: async () => [42] },
    log: { logId: 'log', partitionCount: 1, bounds: async () => ({ earliest: 0, next: 42 }) },
    onSent: () => undefined,
  };

  const server = await createHttpServer({
    logger: createLogger({ level: 'silent', service: 'test' }),
    metrics: createMetrics({ processMetrics: false }),
    authenticate: async (token) => {
      if (token === 'reader') return { tenant: 'one', keyId: token, scopes: new Set(['read'] as const) };
      return { tenant: token, keyId: token, scopes: new Set(['admin'] as const) };
    },
    openapi: { title: 'Meterline', version: '0.0.0' },
    bodyBytesMax: 1_000_000,
    publicPrefixes: [DOCS_PREFIX],
  });
  addIdempotency(server, { database, clock: still });
  await server.register(
    apiRoutes({
      catalog: createCatalog({ stores, clock: tenants, generateKey: () => generateApiKey('test') }),
      usage: usageQueries({ ...stores, usage, clock: tenants }),
      backfill: {
        async start(tenant, meter) {
          const boundaries = [
            { before: 70, voidBefore: 75 },
            { before: 30, voidBefore: 30 },
          ];
          const begun = { state: 'running', boundaries, filledThrough: [50, 10] } as const;
          backfills.set(`${tenant}/${meter}`, begun);
          return begun;
        },
        state: async (tenant, meter) => backfills.get(`${tenant}/${meter}`),
      },
      audit: auditTrail(database),
      clock: tenants,
      schedules: invoiceStore(database),
      serverClock: options.movable === true ? clock : still,
      sandboxes: sandboxCatalog({ sandboxes, serverClock: still, generateKey: () => generateApiKey('test') }),
      moveSandbox: (toMs, tenant) => moveSandboxClock(sandboxPorts, toMs, tenant),
      testClock: options.movable === true ? clock : undefined,
      reconcile: async () => RECONCILIATION,
    }),
  );

  return {
    server,
    database,
    queries,
    rows,
    async call(method, url, body, as = 'one') {
      const payload = body === undefined ? {} : { payload: JSON.stringify(body) };
      const headers = { authorization: `Bearer ${as}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
      const answer = await server.inject({ method, url, headers, ...payload });
      return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
    },
    async close() {
      await server.close();
      await database.close();
    },
  };
}

/** Where a refusal says the faults are. */
export function faultPaths(answer: Answer): string[] {
  return (answer.body['errors'] as { path: string }[]).map((error) => error.path);
}
