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
      level: null,
      session: null,
      fold: null,
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
const sum = { ...count, aggregation: 'sum', valueProperty: '$.v' };
const joins = { id: '$.session', phase: '$.phase', maxSeconds: 3600 };
const concurrency = { ...count, aggregation: 'peak_concurrency', session: joins };
const nine = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`d${i}`, '$.d']));

test.each([
  ['an upper-case key', { ...count, key: 'Tokens' }, 'key'],
  ['a key of 64 characters', { ...count, key: 'k'.repeat(64) }, 'key'],
  ['no event type', { ...count, eventType: '' }, 'eventType'],
  ['a NUL in the event type', { ...count, eventType: 'a\u0000b' }, 'eventType'],
  ['an unknown aggregation', { ...count, aggregation: 'median' }, 'aggregation'],
  ['a level of a sum', { ...sum, level: { values: 'change', unit: 'hour' } }, 'level'],
  ['a weighted sum without a level', { ...sum, aggregation: 'weighted_sum' }, 'level'],
  ['a level by the year', { ...sum, aggregation: 'weighted_sum', level: { values: 'change', unit: 'year' } }, 'level.unit'],
  ['sessions of a count', { ...count, session: joins }, 'session'],
  ['concurrency without sessions', { ...count, aggregation: 'peak_concurrency' }, 'session'],
  ['concurrency of a value', { ...concurrency, valueProperty: '$.v' }, 'valueProperty'],
  ['a join that is a leave', { ...concurrency, session: { ...joins, join: 'x', leave: 'x' } }, 'session.leave'],
  ['sessions without an id', { ...concurrency, session: { phase: '$.p', maxSeconds: 9 } }, 'session.id'],
  ['a phase beside a duration', { ...concurrency, session: { duration: '$.s', phase: '$.p', maxSeconds: 9 } }, 'session.phase'],
  ['endless sessions', { ...concurrency, session: { duration: '$.s', maxSeconds: 9e9 } }, 'session.maxSeconds'],
  ['a fold by the week', { ...sum, fold: { window: 'week', take: 'max' } }, 'fold.window'],
  ['a percentile of nothing', { ...sum, fold: { window: 'hour', take: 'percentile' } }, 'fold.percentile'],
  ['the zeroth percentile', { ...sum, fold: { window: 'hour', take: 'percentile', percentile: '0.0' } }, 'fold.percentile'],
  ['a percentile above 100', { ...sum, fold: { window: 'hour', take: 'percentile', percentile: '100.1' } }, 'fold.percentile'],
  ['a percentile of a maximum', { ...sum, fold: { window: 'hour', take: 'max', percentile: '95' } }, 'fold.percentile'],
  ['empty windows of a maximum', { ...sum, fold: { window: 'hour', take: 'max', emptyWindows: 'zero' } }, 'fold.emptyWindows'],
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

test('what an aggregation needs to know is stored with nothing left to defaults', async () => {
  const p95 = { window: '5_minutes', take: 'percentile', percentile: '95' };
  expect((await api.call('POST', '/v1/meters', { ...sum, key: 'zz_p95', fold: p95 })).body).toMatchObject({
    fold: { ...p95, emptyWindows: 'zero' },
  });
  const level = { values: 'absolute', unit: 'hour' };
  const storage = { ...sum, key: 'zz_storage', aggregation: 'weighted_sum', level };
  expect((await api.call('POST', '/v1/meters', storage)).body).toMatchObject({ level, fold: null });
  expect((await api.call('POST', '/v1/meters', { ...concurrency, key: 'zz_calls' })).body).toMatchObject({
    valueProperty: null,
    session: { ...joins, join: 'join', leave: 'leave' },
  });
  expect((await api.call('GET', '/v1/meters/zz_calls')).body).toMatchObject({ session: { join: 'join' } });
});

test('a meter that is computed from stored events needs no backfill, and says so', async () => {
  expect(await api.call('POST', '/v1/meters/zz_calls/backfill')).toMatchObject({
    status: 409,
    body: { code: 'meter.backfill_needless' },
  });
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
  expect(keys).toEqual(['calls', 'left', 'right', 'same', 'tokens', 'zz_calls', 'zz_p95', 'zz_storage']);
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
