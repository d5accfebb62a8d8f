import { clickhouseRefusedEvents } from '@meterline/backends/clickhouse';
import { createHttpServer, type HttpServer } from '@meterline/runtime/http';
import { createLogger } from '@meterline/runtime/logging';
import { createMetrics } from '@meterline/runtime/metrics';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestPipeline, type TestPipeline } from '../../../test/support/pipeline.ts';
import { refusedEventRoutes } from './index.ts';

const START = Date.parse('2026-11-20T12:00:00Z');
const EVENT = { id: 'a', data: { value: '1' } };

let pipeline: TestPipeline;
let server: HttpServer;

async function ask(query = '', tenant = 'default') {
  const answer = await server.inject({ url: `/v1/refused-events${query}`, headers: { authorization: `Bearer ${tenant}` } });
  return {
    status: answer.statusCode,
    ...answer.json<{ items: Record<string, unknown>[]; nextCursor: string | null; code?: string }>(),
  };
}

const statuses = async (query: string) => (await ask(query)).items.map(({ status }) => status);

beforeAll(async () => {
  pipeline = await openTestPipeline({ partitions: 2 });
  await pipeline.meter({ key: 'sum', aggregation: 'sum' });
  server = await createHttpServer({
    logger: createLogger({ level: 'silent', service: 'test' }),
    metrics: createMetrics({ processMetrics: false }),
    authenticate: async (token) => ({
      tenant: token,
      keyId: 'k',
      scopes: new Set([token === 'sender' ? ('ingest' as const) : ('read' as const)]),
    }),
    openapi: { title: 'Test', version: '1' },
    bodyBytesMax: 10_000,
  });
  const committedCut = () => pipeline.ledger.committedCut(pipeline.log.logId);
  refusedEventRoutes(server, clickhouseRefusedEvents(pipeline.client, { committedCut }));
  await pipeline.append([EVENT], START);
  await pipeline.append([EVENT], START + 1_000);
  await pipeline.append([{ ...EVENT, data: { value: '2' } }], START + 2_000);
  await pipeline.append([{ id: 'b', data: { value: 'many' } }], START + 3_000);
  await pipeline.append([{ id: 'unheard-of', kind: 'void' }], START + 3_000);
  const { aggregator } = await pipeline.aggregator();
  await pipeline.settle(aggregator);
}, 60_000);
afterAll(async () => {
  await server.close();
  await pipeline.close();
});

describe('GET /v1/refused-events', () => {
  it('tells what was received and did not become usage, newest first, each with its reason and as it was sent', async () => {
    const { items, nextCursor } = await ask();
    expect(nextCursor).toBeNull();
    const [first, second, conflict, duplicate] = items;
    expect(items).toHaveLength(4);
    expect(new Set([first?.['code'], second?.['code']])).toEqual(new Set(['meter.value_not_numeric', 'event.unknown']));
    expect(conflict).toMatchObject({ status: 'conflict', event: { id: 'a', data: { value: '2' } } });
    expect(duplicate).toEqual({
      partition: expect.any(Number),
      offset: expect.any(Number),
      status: 'duplicate',
      code: expect.stringMatching(/^event\./),
      detail: expect.stringMatching(/\w+ \w+/),
      receivedAt: '2026-11-20T12:00:01Z',
      event: { id: 'a', source: 'test', type: 'call', subject: 's', data: { value: '1' } },
    });
  });

  it('selects by status and by the half-open time of receipt', async () => {
    expect(await statuses('?status=rejected')).toEqual(['rejected', 'rejected']);
    expect(await statuses('?from=2026-11-20T12:00:01Z&to=2026-11-20T12:00:02Z')).toEqual(['duplicate']);
    expect(await statuses('?status=conflict&to=2026-11-20T12:00:02Z')).toEqual([]);
  });

  it('pages through all of them, also where several came at the same moment', async () => {
    const seen: unknown[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = await ask(`?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`);
      expect(page.items).toHaveLength(1);
      seen.push(...page.items);
      cursor = page.nextCursor;
    }
    expect(seen).toEqual((await ask()).items);
  });

  it('shows nothing of other tenants, and nothing that is not committed', async () => {
    expect((await ask('', 'other')).items).toEqual([]);
    const cut = await pipeline.ledger.committedCut(pipeline.log.logId);
    const partition = (await ask('?status=duplicate')).items[0]?.['partition'] as number;
    const uncommitted = clickhouseRefusedEvents(pipeline.client, {
      committedCut: async () => cut.map((end, index) => (index === partition ? 0 : end)),
    });
    const { items } = await uncommitted.page({ after: null, limit: 10 }, 'default');
    expect(items.some((item) => item.partition === partition)).toBe(false);
  });

  it('refuses unknown states, cursors it has not given and keys that may not read', async () => {
    expect((await ask('?status=lost')).status).toBe(400);
    expect(await ask(`?cursor=${Buffer.from('["1;2"]').toString('base64url')}`)).toMatchObject({ code: 'page.invalid_cursor' });
    expect(await ask('', 'sender')).toMatchObject({ status: 403, code: 'auth.missing_scope' });
  });
});
