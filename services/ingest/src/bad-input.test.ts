import { gzipSync } from 'node:zlib';
import type { Problem } from '@meterline/runtime/http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { event, idOf, testIngest, type TestIngest } from './ingest.fixture.ts';

let ingest: TestIngest;
beforeAll(async () => {
  ingest = await testIngest({
    screen: (_tenant, { subject }) => (subject === 'blocked' ? { code: 'event.screened', message: 'no' } : undefined),
  });
});
beforeEach(() => void ingest.log.batches.splice(0));
afterAll(() => ingest.server.close());

const nested = (levels: number) => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels);
const text = (fields: Record<string, unknown>) => JSON.stringify(event(fields));

/** What is wrong, the event as JSON text, the code it must get. */
const BAD_EVENTS: [name: string, json: string, code: string][] = [
  ['a number', '7', 'event.not_object'],
  ['null', 'null', 'event.not_object'],
  ['a list', '[]', 'event.not_object'],
  ['no id', text({ id: undefined }), 'event.attribute_missing'],
  ['no subject', text({ subject: undefined }), 'event.attribute_missing'],
  ['an id that is a number', text({ id: 7 }), 'event.attribute_not_text'],
  ['an id that is null', text({ id: null }), 'event.attribute_not_text'],
  ['an empty type', text({ type: '' }), 'event.attribute_empty'],
  ['an id of 10 KB', text({ id: 'x'.repeat(10_240) }), 'event.attribute_too_long'],
  ['a source with a line feed', text({ source: 'a\nb' }), 'event.attribute_bad_characters'],
  ['half a surrogate pair', text({ id: 'a\ud800' }), 'event.attribute_bad_characters'],
  ['specversion 0.3', text({ specversion: '0.3' }), 'event.unsupported_specversion'],
  ['a time that is none', text({ time: 'yesterday' }), 'event.time_invalid'],
  ['a time that is a number', text({ time: 1772366400 }), 'event.time_invalid'],
  ['the 30th of February', text({ time: '2026-02-30T00:00:00Z' }), 'event.time_invalid'],
  ['a time too long ago', text({ time: '2026-01-25T11:59:59.000Z' }), 'event.too_old'],
  ['a time in the year 1', text({ time: '0001-01-01T00:00:00Z' }), 'event.too_old'],
  ['a time ahead', text({ time: '2026-03-01T12:10:00Z' }), 'event.in_future'],
  ['a time in the year 9999', text({ time: '9999-12-31T23:59:59Z' }), 'event.in_future'],
  ['data that is text', text({ data: 'x' }), 'event.data_not_object'],
  ['data that is a list', text({ data: [] }), 'event.data_not_object'],
  ['data that is null', text({ data: null }), 'event.data_not_object'],
  ['data nested too deep', `{"id":"a","source":"s","type":"t","subject":"u","data":${nested(17)}}`, 'event.data_too_deep'],
  ['data nested very deep', `{"id":"a","source":"s","type":"t","subject":"u","data":${nested(1_000)}}`, 'event.data_too_deep'],
  [
    '__proto__ in data',
    `{"id":"a","source":"s","type":"t","subject":"u","data":{"x":[{"__proto__":{"y":1}}]}}`,
    'event.forbidden_key',
  ],
  ['__proto__ in the event', `{"id":"a","source":"s","type":"t","subject":"u","__proto__":{"y":1}}`, 'event.forbidden_key'],
  ['constructor in the event', `{"id":"a","source":"s","type":"t","subject":"u","constructor":"x"}`, 'event.forbidden_key'],
  ['an unknown field', text({ userId: 'u' }), 'event.unknown_field'],
  ['an extension that is an object', text({ trace: {} }), 'event.extension_not_scalar'],
  ['binary data', text({ data_base64: 'AA==' }), 'event.data_not_json'],
  ['XML data', text({ datacontenttype: 'text/xml' }), 'event.unsupported_datacontenttype'],
  ['a dataschema that is a number', text({ dataschema: 1 }), 'event.attribute_not_text'],
  ['an event of 70 KB', text({ data: { x: 'x'.repeat(70_000) } }), 'event.too_large'],
  ['what the screen refuses', text({ subject: 'blocked' }), 'event.screened'],
];

/** Only a line can be wrong JSON without the whole request being so. */
const BAD_LINES: [name: string, line: string | Buffer, code: string][] = [
  ['wrong JSON', '{"id":', 'event.malformed_json'],
  ['NaN', '{"id":"a","source":"s","type":"t","subject":"u","data":{"x":NaN}}', 'event.malformed_json'],
  ['Infinity', '{"id":"a","source":"s","type":"t","subject":"u","data":{"x":-Infinity}}', 'event.malformed_json'],
  ['two events on a line', `${text({})}, ${text({})}`, 'event.malformed_json'],
  ['invalid UTF-8', Buffer.from('{"id":"\xff"}', 'latin1'), 'event.invalid_utf8'],
];

describe('a bad event', () => {
  it.each(BAD_EVENTS)('%s alone gets a 400 with its own code, and nothing is stored', async (_name, json, code) => {
    const answer = await ingest.post(json === '[]' ? '[[]]' : json);
    expect(answer.statusCode).toBe(400);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    const problem = answer.json<Problem>();
    const isEvent = json.startsWith('{');
    if (isEvent) expect(problem.code).toBe(code);
    else expect(['request.not_events', 'request.no_valid_event']).toContain(problem.code);
    expect(ingest.log.batches).toEqual([]);
  });

  it.each(BAD_EVENTS)('%s in a batch is named, and its neighbours are stored', async (_name, json, code) => {
    const answer = await ingest.post(`[${text({ id: 'before' })},${json},${text({ id: 'after' })}]`);
    expect(answer.statusCode).toBe(202);
    const { accepted, rejected } = answer.json();
    expect(accepted).toBe(2);
    expect(rejected).toEqual([expect.objectContaining({ index: 1, code, message: expect.stringMatching(/\w+/) })]);
    expect(ingest.log.stored().map(idOf)).toEqual(['before', 'after']);
  });

  it.each([...BAD_EVENTS, ...BAD_LINES])('%s on a line is named, and the other lines are stored', async (_name, line, code) => {
    const body = Buffer.concat(
      [`${text({ id: 'before' })}\r\n\n`, line, `\n${text({ id: 'after' })}`].map((part) => Buffer.from(part)),
    );
    const answer = await ingest.post(body, { 'content-type': 'application/x-ndjson' });
    expect(answer.json()).toMatchObject({ accepted: 2, rejected: [{ index: 1, code }] });
    expect(ingest.log.stored().map(idOf)).toEqual(['before', 'after']);
  });

  it('is told everything that is wrong with it at once', async () => {
    const answer = await ingest.post({ id: '', type: 5, subject: 'u', time: 'x', Extra: 1 });
    expect(answer.json<Problem>().errors.map(({ path }) => path)).toEqual(['id', 'source', 'type', 'time', 'Extra']);
  });

  it('leaves a batch without a good one with a 400 that lists every event', async () => {
    const answer = await ingest.post([event({ id: 1 }), event({ type: undefined, id: 'two' })]);
    expect(answer.json()).toMatchObject({
      status: 400,
      code: 'request.no_valid_event',
      errors: [
        { path: '[0].id', code: 'event.attribute_not_text', index: 0, id: null },
        { path: '[1].type', code: 'event.attribute_missing', index: 1, id: 'two' },
      ],
    });
  });
});

describe('a bad request', () => {
  const list = JSON.stringify([event()]);
  const gzip = { 'content-encoding': 'gzip' };
  const bomb = gzipSync(Buffer.alloc(50_000_000, ' '));
  it.each<[name: string, body: string | Buffer, headers: Record<string, string>, status: number, code: string]>([
    ['wrong JSON', '[{"id":', {}, 400, 'request.malformed_json'],
    ['NaN', '[{"id":NaN}]', {}, 400, 'request.malformed_json'],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22]), {}, 400, 'request.invalid_utf8'],
    ['text', '"hello"', {}, 400, 'request.not_events'],
    [
      'an object sent as a batch',
      JSON.stringify(event()),
      { 'content-type': 'application/cloudevents-batch+json' },
      400,
      'request.not_events',
    ],
    ['a list sent as one event', list, { 'content-type': 'application/cloudevents+json' }, 400, 'request.not_events'],
    ['an empty list', '[]', {}, 400, 'request.no_events'],
    ['blank lines', '\n\n', { 'content-type': 'application/x-ndjson' }, 400, 'request.no_events'],
    ['too many events', JSON.stringify(Array(1_001).fill(event())), {}, 413, 'request.too_many_events'],
    ['more than 5 MB', ' '.repeat(5_000_001), {}, 413, 'request.body_too_large'],
    ['a gzip bomb', bomb, gzip, 413, 'request.body_too_large'],
    ['broken gzip', 'not gzip', gzip, 400, 'request.malformed_gzip'],
    ['half a gzip', gzipSync(list).subarray(0, 20), gzip, 400, 'request.malformed_gzip'],
    ['brotli', list, { 'content-encoding': 'br' }, 415, 'request.unsupported_encoding'],
    ['two encodings', list, { 'content-encoding': 'gzip, gzip' }, 415, 'request.unsupported_encoding'],
    ['XML', '<event/>', { 'content-type': 'text/xml' }, 415, 'request.unsupported_media_type'],
    [
      'very deep nesting with a long number',
      `[${'['.repeat(200_000)}1${']'.repeat(200_000)},12345678901234567890]`,
      {},
      400,
      'request.too_deep',
    ],
  ])('of %s gets its own code, and nothing is stored', async (_name, body, headers, status, code) => {
    const answer = await ingest.post(body, headers);
    expect([answer.statusCode, answer.json<Problem>().code]).toEqual([status, code]);
    expect(ingest.log.batches).toEqual([]);
  });

  it.each([
    '{"minutes":NaN}',
    `{"secret":"${'s3cret'.repeat(20)}","minutes":NaN,"more":"${'s3cret'.repeat(20)}"}`,
    'minutes',
    '{"a":1,"""minutes',
    "'minutes",
    '{"minutes":1} minutes',
    '{"minutes":1,}',
    '{"minutes',
    '{"minutes":"a\nb"}',
  ])('is told what is wrong with its JSON, with nothing repeated of it: %s', async (body) => {
    for (const answer of [
      (await ingest.post(body)).json<Problem>().detail,
      (await ingest.post(body, { 'content-type': 'application/x-ndjson' })).body,
    ]) {
      expect(answer).toMatch(/not JSON: \w+/);
      expect(answer).not.toMatch(/minutes|s3cret|\.\.\./);
    }
  });

  it('without a key is refused before its body is read', async () => {
    const answer = await ingest.server.inject({
      method: 'POST',
      url: '/v1/events',
      payload: '{broken',
      headers: { 'content-type': 'application/json' },
    });
    expect([answer.statusCode, answer.json<Problem>().code]).toEqual([401, 'auth.missing_key']);
  });
});
