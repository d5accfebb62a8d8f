import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { faultPaths, NOW, openTestApi, type TestApi } from './fixture.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
  const meter = { eventType: 'call', aggregation: 'sum', valueProperty: '$.v', dimensions: { model: '$.m', region: '$.r' } };
  await api.call('POST', '/v1/meters', { key: 'tokens', ...meter });
  const acme = { key: 'acme', name: 'Acme', currency: 'EUR', timezone: 'Europe/Berlin', subjects: ['s1', 's2'] };
  await api.call('POST', '/v1/customers', acme);
});
afterAll(() => api.close());
beforeEach(() => {
  api.queries.length = 0;
  api.rows.length = 0;
});

const ms = (text: string) => Date.parse(text);
const usage = (query = '') => api.call('GET', `/v1/meters/tokens/usage${query}`, undefined, 'reader');

test('without parameters: the current month in UTC until the minute that runs, as of the cut', async () => {
  const answer = await usage();
  expect(answer).toEqual({
    status: 200,
    body: {
      meter: 'tokens',
      from: '2026-03-01T00:00:00Z',
      to: '2026-03-15T12:01:00Z',
      window: null,
      timezone: 'UTC',
      asOf: { cut: [42], at: NOW },
      rows: [],
    },
  });
  expect(api.queries).toMatchObject([{ fromMs: ms('2026-03-01T00:00:00Z'), groupBy: [], filter: {}, bySubject: false }]);
  expect(api.queries[0]).not.toHaveProperty('subjects');
  expect(api.queries[0]).not.toHaveProperty('window');
});

test("of a customer: its subjects, its month, its zone's windows", async () => {
  expect((await usage('?customer=acme&window=day')).body).toMatchObject({
    from: '2026-02-28T23:00:00Z',
    timezone: 'Europe/Berlin',
  });
  expect(api.queries).toMatchObject([{ subjects: ['s1', 's2'], window: { size: 'day', timezone: 'Europe/Berlin' } }]);
});

test('a subject narrows the customer, and one of somebody else gives nothing', async () => {
  await usage('?customer=acme&subject=s2&subject=other');
  await usage('?customer=acme&subject=other');
  await usage('?subject=s1&subject=other');
  await usage('?subject=s1');
  expect(api.queries.map(({ subjects }) => subjects)).toEqual([['s2'], [], ['s1', 'other'], ['s1']]);
});

test('groups by dimensions and subject, filters by repeated name:value', async () => {
  const from = { windowFromMs: ms('2026-03-01T00:00:00Z'), windowToMs: ms('2026-03-02T00:00:00Z') };
  api.rows.push({ ...from, subject: 's1', group: { model: 'm:1', region: 'eu' }, value: '0.3', events: 3 });
  const answer = await usage('?groupBy=model,region,subject&filter=model:m:1&filter=model:m2&filter=region:eu');
  expect(api.queries).toMatchObject([
    { groupBy: ['model', 'region'], bySubject: true, filter: { model: ['m:1', 'm2'], region: ['eu'] } },
  ]);
  const row = { subject: 's1', group: { model: 'm:1', region: 'eu' }, value: '0.3', events: 3 };
  expect(answer.body['rows']).toEqual([{ from: '2026-03-01T00:00:00Z', to: '2026-03-02T00:00:00Z', ...row }]);
});

const range = '?from=2026-01-01T00:00:00Z&to=';

test.each([
  ['an end before the start', `${range}2025-01-01T00:00:00Z`, 'to'],
  ['a start that is no whole minute', '?from=2026-01-01T00:00:01Z', 'from'],
  ['an end that is no instant', `${range}tomorrow`, 'to'],
  ['an unknown window', '?window=week', 'window'],
  ['too many windows', `${range}2026-01-07T22:41:00Z&window=minute`, 'window'],
  ['far too many windows', `${range}9000-01-01T00:00:00Z&window=minute`, 'window'],
  ['an unknown zone', '?timezone=Mars/Base', 'timezone'],
  ['an unknown dimension to group by', '?groupBy=model,colour', 'groupBy'],
  ['an unknown dimension to filter by', '?filter=colour:red', 'filter'],
  ['a name that every object has', '?groupBy=constructor', 'groupBy'],
  ['a filter without a value', '?filter=model', 'filter'],
  ['an unknown parameter', '?form=2026-01-01T00:00:00Z', 'form'],
])('%s is refused, naming the parameter', async (_name, query, path) => {
  const answer = await usage(query);
  expect(answer.status).toBe(400);
  expect(faultPaths(answer)).toEqual([path]);
  expect(api.queries).toEqual([]);
});

test('windows that a meter folds are in the zone asked for, and none of the answer may be shorter', async () => {
  const fold = { window: 'day', take: 'max' };
  const meter = { key: 'daily', eventType: 'call', aggregation: 'unique_count', valueProperty: '$.user', fold };
  await api.call('POST', '/v1/meters', meter);
  expect((await api.call('GET', '/v1/meters/daily/usage?customer=acme')).status).toBe(200);
  expect((await api.call('GET', '/v1/meters/daily/usage?window=month&timezone=Asia/Tokyo')).status).toBe(200);
  expect(api.queries.map(({ timezone }) => timezone)).toEqual(['Europe/Berlin', 'Asia/Tokyo']);
  const refused = await api.call('GET', '/v1/meters/daily/usage?window=hour');
  expect(refused).toMatchObject({ status: 400, body: { errors: [{ path: 'window', message: expect.stringContaining('day') }] } });
});

test('exactly 10,000 windows are answered', async () => {
  expect((await usage(`${range}2026-01-07T22:40:00Z&window=minute`)).status).toBe(200);
});

test('an unknown meter or customer is not found', async () => {
  expect(await api.call('GET', '/v1/meters/nope/usage')).toMatchObject({ status: 404, body: { code: 'meter.unknown' } });
  expect(await usage('?customer=nope')).toMatchObject({ status: 404, body: { code: 'customer.unknown' } });
});
