import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { partitionOf } from '@meterline/pipeline/events';
import type { Problem } from '@meterline/runtime/http';
import { afterEach, describe, expect, it } from 'vitest';
import { event, idOf, NOW, testIngest, type TestIngest } from './ingest.fixture.ts';

let ingest: TestIngest;
afterEach(() => ingest.server.close());

const two = [event({ id: 'a' }), event({ id: 'b', data: { n: 1 } })];
const values = [
  '{"id":"a","source":"app","type":"call","subject":"acme"}',
  '{"id":"b","source":"app","type":"call","subject":"acme","data":{"n":1}}',
];

describe('POST /v1/events', () => {
  it.each<[name: string, body: string | Buffer, headers: Record<string, string>, count: number]>([
    ['one event', JSON.stringify(two[0]), { 'content-type': 'application/cloudevents+json; charset=utf-8' }, 1],
    ['one event as JSON', JSON.stringify(two[0]), { 'content-type': 'application/json' }, 1],
    ['a batch', JSON.stringify(two), { 'content-type': 'application/cloudevents-batch+json' }, 2],
    ['a batch as JSON', JSON.stringify(two), { 'content-type': 'application/json; charset=utf-8' }, 2],
    ['lines', `${JSON.stringify(two[0])}\n${JSON.stringify(two[1])}\n`, { 'content-type': 'application/x-ndjson' }, 2],
    [
      'gzipped lines',
      gzipSync(`${JSON.stringify(two[0])}\r\n${JSON.stringify(two[1])}`),
      { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' },
      2,
    ],
  ])('takes %s', async (_name, body, headers, count) => {
    ingest = await testIngest();
    const answer = await ingest.post(body, headers);
    expect([answer.statusCode, answer.json()]).toEqual([202, { accepted: count, rejected: [] }]);
    expect(ingest.log.stored()).toEqual(values.slice(0, count));
    expect(ingest.log.batches).toMatchObject([{ tenant: 't1', partition: 0 }]);
  });

  it('stores the same event with the same bytes however it was written', async () => {
    ingest = await testIngest();
    await ingest.post(
      '{"subject":"acme","specversion":"1.0","traceid":"x","time":"2026-03-01T11:00:00.5+01:00","data":{"b":1,"a":[true,null]},"type":"call","source":"app","id":"a"}',
    );
    await ingest.post(
      '{ "id":"a", "source":"\\u0061pp", "type":"call", "subject":"acme", "time":"2026-03-01T11:00:00.5+01:00", "datacontenttype":"application/json", "data":{"b":1, "a":[true,null]} }',
    );
    const normal =
      '{"id":"a","source":"app","type":"call","subject":"acme","time":"2026-03-01T11:00:00.5+01:00","data":{"b":1,"a":[true,null]}}';
    expect(ingest.log.stored()).toEqual([normal, normal]);
  });

  it.each([
    ['0.1', '0.1'],
    ['9007199254740991', '9007199254740991'],
    ['9007199254740993', '"9007199254740993"'],
    ['-12345678.123456789', '"-12345678.123456789"'],
    ['-1234567.12345678', '-1234567.12345678'],
    ['1234567890123.123456789', '"1234567890123.123456789"'],
    ['0.30000000000000004', '0.30000000000000004'],
    ['0.300000000000000041', '"0.300000000000000041"'],
    ['100000000000000000000000.1', '"100000000000000000000000.1"'],
    ['1e400', '"1e400"'],
    ['1e-400', '"1e-400"'],
    ['1.50', '1.5'],
    ['2E3', '2000'],
    ['"12345678901234567890"', '"12345678901234567890"'],
  ])('keeps every digit of the number %s', async (written, stored) => {
    ingest = await testIngest();
    for (const spaced of [written, ` ${written}`, `[${written}]`]) {
      ingest.log.batches.splice(0);
      await ingest.post(`{"id":"a","source":"s","type":"t","subject":"u","data":{"n":${spaced}}}`);
      expect(ingest.log.stored()).toEqual([
        `{"id":"a","source":"s","type":"t","subject":"u","data":{"n":${spaced.trim().replace(written, stored)}}}`,
      ]);
    }
  });

  it('accepts times from 35 days back to 5 minutes ahead, both included', async () => {
    ingest = await testIngest();
    const nowMs = Date.parse(NOW);
    const at = (ms: number) => event({ time: new Date(nowMs + ms).toISOString() });
    // The clock ticks on while the request is served, so the early side gets a second.
    const answer = await ingest.post([at(-35 * 86_400_000 + 1_000), at(5 * 60_000), at(-35 * 86_400_000 - 1), at(6 * 60_000)]);
    expect(answer.json<{ rejected: unknown }>().rejected).toMatchObject([
      { index: 2, code: 'event.too_old' },
      { index: 3, code: 'event.in_future' },
    ]);
  });

  it('answers 202 only after the log has the events', async () => {
    ingest = await testIngest();
    const append = Promise.withResolvers<void>();
    const appending = Promise.withResolvers<void>();
    ingest.log.hold = () => (appending.resolve(), append.promise);
    let isAnswered = false;
    const answer = ingest.post(event()).then((response) => ((isAnswered = true), response));
    await appending.promise;
    await new Promise((resolve) => setImmediate(resolve));
    expect(isAnswered).toBe(false);
    append.resolve();
    expect((await answer).statusCode).toBe(202);
  });

  it('answers 503 and never 202 when the log fails', async () => {
    ingest = await testIngest();
    ingest.log.hold = () => Promise.reject(new Error('disk full'));
    const answer = await ingest.post(event());
    expect([answer.statusCode, answer.json<Problem>().code, answer.headers['retry-after']]).toEqual([
      503,
      'ingest.not_stored',
      '1',
    ]);
    expect(answer.body).not.toContain('disk full');
  });

  it('sends each event to the partition of its id, one append each, and fails as a whole if one fails', async () => {
    ingest = await testIngest({ partitionCount: 4 });
    const events = Array.from({ length: 50 }, (_, n) => event({ id: `e${n}` }));
    await ingest.post(events);
    expect(ingest.log.batches.map((batch) => batch.partition).toSorted()).toEqual([0, 1, 2, 3]);
    for (const batch of ingest.log.batches) {
      for (const { value } of batch.records) expect(partitionOf('t1', 'app', idOf(value), 4)).toBe(batch.partition);
    }
    ingest.log.hold = async ({ partition }) => {
      if (partition === 2) throw new Error('partition down');
    };
    expect((await ingest.post(events)).statusCode).toBe(503);
  });
});

describe('backpressure', () => {
  /** Requests that wait in the log until `release`. */
  async function occupy(count: number): Promise<() => Promise<void>> {
    const gate = Promise.withResolvers<void>();
    const allIn = Promise.withResolvers<void>();
    let waiting = 0;
    ingest.log.hold = () => {
      waiting += 1;
      if (waiting === count) allIn.resolve();
      return gate.promise;
    };
    const running = Array.from({ length: count }, () => ingest.post(event()));
    await allIn.promise;
    return async () => {
      gate.resolve();
      for (const answer of await Promise.all(running)) expect(answer.statusCode).toBe(202);
      ingest.log.hold = async () => {};
    };
  }

  it('refuses requests beyond the limit with 503, and takes them again once there is room', async () => {
    ingest = await testIngest({ limits: { inFlightRequestsMax: 3 } });
    for (let round = 0; round < 3; round += 1) {
      const release = await occupy(3);
      const refused = await ingest.post(event());
      expect([refused.statusCode, refused.json<Problem>().code, refused.headers['retry-after']]).toEqual([
        503,
        'ingest.overloaded',
        '1',
      ]);
      await release();
      expect((await ingest.post(event())).statusCode).toBe(202);
    }
  });

  it('refuses bytes beyond the limit, also those that a gzip unpacks to', async () => {
    ingest = await testIngest({ limits: { inFlightBytesMax: 20_000 } });
    const large = gzipSync(JSON.stringify(event({ data: { x: 'x'.repeat(30_000) } })));
    const release = await occupy(2);
    expect((await ingest.post(large, { 'content-encoding': 'gzip' })).json<Problem>().code).toBe('ingest.overloaded');
    expect((await ingest.post(event({ data: { x: 'x'.repeat(30_000) } }))).json<Problem>().code).toBe('ingest.overloaded');
    await release();
    expect((await ingest.post(event({ data: { x: 'x'.repeat(30_000) } }))).statusCode).toBe(202);
  });

  it('gives the room of refused requests back', async () => {
    ingest = await testIngest({ limits: { inFlightRequestsMax: 1 } });
    for (const body of ['{broken', '[]', '{"id":1}']) expect((await ingest.post(body)).statusCode).toBe(400);
    expect((await ingest.post(event(), { 'content-encoding': 'br' })).statusCode).toBe(415);
    expect((await ingest.post(event())).statusCode).toBe(202);
  });

  it('gives back the room of clients that go away, while their key is looked up or in the middle of their body', async () => {
    const lookingUp = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    ingest = await testIngest({
      limits: { inFlightRequestsMax: 1 },
      authenticate: async (tenant) => {
        if (tenant === 'slow') {
          lookingUp.resolve();
          await gone.promise;
        }
        return { tenant, keyId: 'k', scopes: new Set(['ingest']) };
      },
    });
    await ingest.server.listen({ port: 0, host: '127.0.0.1' });
    const address = ingest.server.server.address();
    const sendHalf = async (key: string): Promise<{ client: Socket; server: Socket }> => {
      const client = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1');
      const [server] = (await once(ingest.server.server, 'connection')) as [Socket];
      client.write(
        `POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
      );
      return { client, server };
    };

    const slow = await sendHalf('slow');
    await lookingUp.promise;
    slow.client.destroy();
    await once(slow.server, 'close');
    gone.resolve();

    const half = await sendHalf('t1');
    await once(ingest.server.server, 'request');
    half.client.destroy();
    await once(half.server, 'close');
    expect((await ingest.post(event())).statusCode).toBe(202);
  });

  it.each([
    ['events', { tenantEventsPerSecond: 10 }],
    ['bytes', { tenantBytesPerSecond: 500 }],
  ])('holds a tenant to its %s a second with 429, and no other', async (_name, limits) => {
    ingest = await testIngest({ limits });
    const batch = Array.from({ length: 20 }, (_, n) => event({ id: `e${n}` }));
    expect((await ingest.post(batch)).statusCode).toBe(202);
    const refused = await ingest.post(batch);
    expect([refused.statusCode, refused.json<Problem>().code]).toEqual([429, 'ingest.tenant_limit']);
    const waitMs = Number(refused.headers['retry-after']) * 1000;
    expect(waitMs).toBeGreaterThanOrEqual(1000);
    expect((await ingest.post(batch, { authorization: 'Bearer t2' })).statusCode).toBe(202);
    ingest.clock.moveTo(ingest.clock.nowMs() + waitMs);
    expect((await ingest.post(batch)).statusCode).toBe(202);
  });

  it('refuses events while counting is too far behind', async () => {
    let lag = 101;
    ingest = await testIngest({ limits: { lagEventsMax: 100 }, lagEvents: () => lag });
    const refused = await ingest.post(event());
    expect([refused.statusCode, refused.json<Problem>().code, refused.headers['retry-after']]).toEqual([
      503,
      'ingest.too_far_behind',
      '5',
    ]);
    lag = 100;
    expect((await ingest.post(event())).statusCode).toBe(202);
  });
});

describe('corrections', () => {
  it('append a void record with id and source', async () => {
    ingest = await testIngest();
    const answer = await ingest.post({ source: 'app' }, {}, '/v1/events/a%2Fb/void');
    expect([answer.statusCode, answer.json()]).toEqual([202, { id: 'a/b', source: 'app' }]);
    expect(ingest.log.stored('void')).toEqual(['{"id":"a/b","source":"app"}']);
  });

  it('append a replace record with the whole event', async () => {
    ingest = await testIngest();
    const { id: _id, ...body } = event({ data: { n: 2 } });
    const answer = await ingest.post(body, {}, '/v1/events/e9/replace');
    expect(answer.statusCode).toBe(202);
    expect(ingest.log.stored('replace')).toEqual(['{"id":"e9","source":"app","type":"call","subject":"acme","data":{"n":2}}']);
  });

  it('find the source of the event when it is not named', async () => {
    ingest = await testIngest({ sourcesOf: async (tenant, id) => (tenant === 't1' && id === 'e1' ? ['shop'] : []) });
    const voided = await ingest.server.inject({
      method: 'POST',
      url: '/v1/events/e1/void',
      headers: { authorization: 'Bearer t1' },
    });
    expect([voided.statusCode, voided.json()]).toEqual([202, { id: 'e1', source: 'shop' }]);
    const replaced = await ingest.post({ type: 'call', subject: 'acme' }, {}, '/v1/events/e1/replace');
    expect(replaced.json()).toEqual({ id: 'e1', source: 'shop' });
    const unknown = await ingest.post({}, {}, '/v1/events/e2/void');
    expect([unknown.statusCode, unknown.json<Problem>().code]).toEqual([404, 'event.unknown']);
  });

  it('ask for the source when several sent the id', async () => {
    ingest = await testIngest({ sourcesOf: async () => ['a', 'b'] });
    const answer = await ingest.post({}, {}, '/v1/events/e1/void');
    expect([answer.statusCode, answer.json<Problem>().code]).toEqual([409, 'event.source_ambiguous']);
    expect(answer.json<Problem>().errors).toEqual([{ path: 'source', message: 'must be one of "a", "b"' }]);
  });

  it.each<[name: string, body: object, url: string, code: string]>([
    ['another id', event({ id: 'other' }), '/v1/events/e1/replace', 'event.id_mismatch'],
    ['no type', event({ type: undefined }), '/v1/events/e1/replace', 'event.attribute_missing'],
    ['a source that is a number', event({ source: 1 }), '/v1/events/e1/replace', 'event.attribute_not_text'],
    ['a list', [event()], '/v1/events/e1/replace', 'request.not_events'],
    ['an unknown field', { sauce: 'x' }, '/v1/events/e1/void', 'request.invalid'],
    ['an id of control characters', { source: 'x' }, '/v1/events/%01/void', 'request.invalid'],
  ])('with %s are refused', async (_name, body, url, code) => {
    ingest = await testIngest();
    const answer = await ingest.post(body, {}, url);
    expect([answer.statusCode, answer.json<Problem>().code]).toEqual([400, code]);
    expect(ingest.log.batches).toEqual([]);
  });
});

it('is described in the OpenAPI document with all its formats', async () => {
  ingest = await testIngest();
  expect((await ingest.server.inject('/openapi.json')).json()).toMatchObject({
    paths: {
      '/v1/events': { post: { requestBody: { content: { 'application/x-ndjson': expect.anything() } } } },
      '/v1/events/{id}/void': { post: expect.anything() },
      '/v1/events/{id}/replace': { post: expect.anything() },
    },
  });
});
