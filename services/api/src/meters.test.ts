import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultPaths, NOW, openTestApi, type TestApi } from './fixture.ts';

let api: TestApi;
beforeAll(async () => (api = await openTestApi()));
afterAll(() => api.close());

const tokens = {
  key: 'tokens',
  eventType: 'llm.call',
  aggregation: 'sum',
  valueProperty: '$.tokens',
  dimensions: { model: '$.model', region_1: "$.where['the region']" },
  filter: { '$.kind': 'chat', '$.tier': ['free', 'paid'] },
};

async function configVersion(): Promise<number> {
  const [row] = await api.database.query<{ version: string }>('select version from meter_config');
  return Number(row?.version);
}

test('a meter is created, answered with its defaults, read back and listed', async () => {
  const created = await api.call('POST', '/v1/meters', tokens);
  expect(created).toEqual({
    status: 201,
    body: {
      ...tokens,
      name: 'tokens',
      filter: { '$.kind': ['chat'], '$.tier': ['free', 'paid'] },
      createdAt: NOW,
      archivedAt: null,
    },
  });
  expect((await api.call('GET', '/v1/meters/tokens', undefined, 'reader')).body).toEqual(created.body);
  expect((await api.call('GET', '/v1/meters', undefined, 'reader')).body).toEqual({ items: [created.body], nextCursor: null });
});

test('creating and archiving make a new configuration version with the meter; refusals and repeats do not', async () => {
  const before = await configVersion();
  await api.call('POST', '/v1/meters', { key: 'calls', eventType: 'llm.call', aggregation: 'count' });
  expect((await api.call('POST', '/v1/meters', { key: 'calls', eventType: 'other', aggregation: 'count' })).status).toBe(409);
  expect(await configVersion()).toBe(before + 1);
  const archived = await api.call('POST', '/v1/meters/calls/archive');
  expect(archived.body).toMatchObject({ key: 'calls', archivedAt: NOW });
  expect(await api.call('POST', '/v1/meters/calls/archive')).toEqual(archived);
  expect(await configVersion()).toBe(before + 2);
  const rows = await api.database.query("select created_version, archived_version from meter where key = 'calls'");
  expect(rows).toEqual([{ created_version: String(before + 1), archived_version: String(before + 2) }]);
});

test('meters created at the same time get versions of their own, and a key exactly one of them', async () => {
  const keys = ['same', 'same', 'same', 'left', 'right'];
  const answers = await Promise.all(
    keys.map((key) => api.call('POST', '/v1/meters', { key, eventType: 'x', aggregation: 'count' })),
  );
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 201, 201, 409, 409]);
  const rows = await api.database.query("select distinct created_version from meter where key in ('same', 'left', 'right')");
  expect(rows).toHaveLength(3);
});

const count = { key: 'ok', eventType: 'x', aggregation: 'count' };
const nine = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`d${i}`, '$.d']));

test.each([
  ['an upper-case key', { ...count, key: 'Tokens' }, 'key'],
  ['a key of 64 characters', { ...count, key: 'k'.repeat(64) }, 'key'],
  ['no event type', { ...count, eventType: '' }, 'eventType'],
  ['a NUL in the event type', { ...count, eventType: 'a\u0000b' }, 'eventType'],
  ['an unknown aggregation', { ...count, aggregation: 'average' }, 'aggregation'],
  ['count of a value', { ...count, valueProperty: '$.v' }, 'valueProperty'],
  ['a sum of nothing', { ...count, aggregation: 'sum' }, 'valueProperty'],
  ['a path that is an expression', { ...count, aggregation: 'sum', valueProperty: '$..v' }, 'valueProperty'],
  ['nine dimensions', { ...count, dimensions: nine }, 'dimensions'],
  ['a dimension name with a dash', { ...count, dimensions: { 'a-b': '$.a' } }, 'dimensions.a-b'],
  ['a dimension called subject', { ...count, dimensions: { subject: '$.a' } }, 'dimensions.subject'],
  ['a dimension that is no path', { ...count, dimensions: { a: 'a' } }, 'dimensions.a'],
  ['a filter that is no path', { ...count, filter: { kind: 'chat' } }, 'filter.kind'],
  ['a filter without values', { ...count, filter: { '$.kind': [] } }, 'filter.$.kind'],
  ['an unknown field', { ...count, unit: 'tokens' }, 'unit'],
])('a meter with %s is refused, naming the field', async (_name, body, path) => {
  const answer = await api.call('POST', '/v1/meters', body);
  expect(answer).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
  expect(faultPaths(answer)).toEqual([path]);
});

test('all faults of a meter are named at once', async () => {
  const answer = await api.call('POST', '/v1/meters', { key: '1', eventType: '', aggregation: 'count', dimensions: { d: 'x' } });
  expect(faultPaths(answer).toSorted()).toEqual(['dimensions.d', 'eventType', 'key']);
});

test('a taken key and an unknown meter say so', async () => {
  expect(await api.call('POST', '/v1/meters', { ...tokens, name: 'again' })).toMatchObject({
    status: 409,
    body: { code: 'meter.key_taken', errors: [{ path: 'key' }] },
  });
  expect(await api.call('GET', '/v1/meters/nope')).toMatchObject({ status: 404, body: { code: 'meter.unknown' } });
  expect(await api.call('POST', '/v1/meters/nope/archive', {})).toMatchObject({ status: 404, body: { code: 'meter.unknown' } });
});

test('a backfill begins, and tells how far it is', async () => {
  expect(await api.call('GET', '/v1/meters/tokens/backfill')).toMatchObject({
    status: 404,
    body: { code: 'meter.backfill_unknown' },
  });
  const running = { meter: 'tokens', state: 'running', recordsFilled: 60, recordsTotal: 100 };
  expect(await api.call('POST', '/v1/meters/tokens/backfill')).toEqual({ status: 202, body: running });
  expect(await api.call('GET', '/v1/meters/tokens/backfill')).toEqual({ status: 200, body: running });
  expect(await api.call('POST', '/v1/meters/nope/backfill')).toMatchObject({ status: 404, body: { code: 'meter.unknown' } });
});

test('a list goes page by page, and refuses a cursor that is not its own', async () => {
  const keys: unknown[] = [];
  let cursor: unknown = '';
  while (cursor !== null) {
    const { body } = await api.call('GET', `/v1/meters?limit=2${cursor === '' ? '' : `&cursor=${String(cursor)}`}`);
    keys.push(...(body['items'] as { key: string }[]).map(({ key }) => key));
    cursor = body['nextCursor'];
  }
  expect(keys).toEqual(['calls', 'left', 'right', 'same', 'tokens']);
  for (const bad of ['xyz', Buffer.from('["a\\u0000"]').toString('base64url')]) {
    expect(await api.call('GET', `/v1/meters?cursor=${bad}`)).toMatchObject({
      status: 400,
      body: { code: 'page.invalid_cursor' },
    });
  }
});

test('a key that may only read cannot create', async () => {
  expect(await api.call('POST', '/v1/meters', count, 'reader')).toMatchObject({
    status: 403,
    body: { code: 'auth.missing_scope' },
  });
});
