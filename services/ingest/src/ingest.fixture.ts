import type { AppendBatch, EventLog, RecordKind } from '@meterline/pipeline/ports';
import { testClock } from '@meterline/runtime/clock';
import { readSettings, type IngestSettings } from '@meterline/runtime/config';
import { createHttpServer, type Authenticate } from '@meterline/runtime/http';
import { createLogger } from '@meterline/runtime/logging';
import { createMetrics } from '@meterline/runtime/metrics';
import { ingestRoutes, type IngestOptions } from './index.ts';

export const NOW = '2026-03-01T12:00:00.000Z';

/** An event log in memory, for tests of this folder only; `hold` delays appends until its promise settles. */
export interface FakeLog extends EventLog {
  readonly batches: AppendBatch[];
  hold: (batch: AppendBatch) => Promise<void>;
  /** Stored values in order, as text. */
  stored(kind?: RecordKind): string[];
}

function fakeLog(partitionCount: number): FakeLog {
  const batches: AppendBatch[] = [];
  const unused = () => Promise.reject(new Error('unused'));
  const log: FakeLog = {
    logId: 'fake',
    partitionCount,
    batches,
    hold: async () => {},
    async append(batch) {
      await log.hold(batch);
      batches.push(batch);
      return batches.length;
    },
    stored: (kind) =>
      batches.flatMap((batch) =>
        batch.records
          .filter((record) => (kind ?? record.kind) === record.kind)
          .map((record) => Buffer.from(record.value).toString()),
      ),
    read: unused,
    bounds: unused,
    appended: unused,
    trim: unused,
    close: async () => {},
  };
  return log;
}

/** The id of a stored event. */
export function idOf(value: Uint8Array | string): string {
  return (JSON.parse(Buffer.from(value).toString()) as { id: string }).id;
}

export type TestIngest = Awaited<ReturnType<typeof testIngest>>;

const anyTenant: Authenticate = async (tenant) => ({ tenant, keyId: 'k', scopes: new Set(['ingest']) });

/** The routes of this service on a server that knows the key `t1` of the tenant `t1`, and any other as the tenant of that name. */
export async function testIngest(
  options: { partitionCount?: number; limits?: Partial<IngestSettings>; authenticate?: Authenticate } & Partial<
    Pick<IngestOptions, 'screen' | 'lagEvents' | 'sourcesOf' | 'corsOrigins'>
  > = {},
) {
  const { partitionCount = 1, limits, authenticate = anyTenant, ...hooks } = options;
  const metrics = createMetrics({ processMetrics: false });
  const clock = testClock(NOW);
  const log = fakeLog(partitionCount);
  const server = await createHttpServer({
    logger: createLogger({ level: 'silent', service: 'test' }),
    metrics,
    authenticate,
    openapi: { title: 'Test', version: '1' },
    bodyBytesMax: 10_000,
  });
  ingestRoutes(server, {
    log,
    clock,
    metrics,
    limits: { ...readSettings({}).ingest, ...limits },
    sourcesOf: async () => [],
    ...hooks,
  });
  return {
    server,
    log,
    clock,
    post: async (payload: string | Buffer | object, headers: Record<string, string> = {}, url = '/v1/events') =>
      server.inject({
        method: 'POST',
        url,
        payload,
        headers: { 'content-type': 'application/json', authorization: 'Bearer t1', ...headers },
      }),
  };
}

export function event(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { id: 'e1', source: 'app', type: 'call', subject: 'acme', ...fields };
}
