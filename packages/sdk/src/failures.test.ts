import { afterEach, describe, expect, test, vi } from 'vitest';
import { Meterline, MeterlineError } from './index.ts';
import type { MeterlineOptions } from './index.ts';
import { EVENT, start, stopAll } from './test-client.ts';
import { stored } from './test-server.ts';
import type { Answer } from './test-server.ts';

afterEach(stopAll);

describe('what goes wrong', () => {
  test('a server that fails twice gets the same events with the same ids and times a third time', async () => {
    const { client, server, errors } = await start((events, index) => (index < 2 ? { status: 503 } : stored(events)));
    client.track(EVENT);
    client.track({ ...EVENT, data: { n: 1 } });
    await client.flush();
    expect(new Set(server.requests.map(({ body }) => body)).size).toBe(1);
    expect(server.requests.length).toBe(3);
    expect(client.counters).toMatchObject({ sent: 2, retried: 4, queued: 0 });
    expect(errors.map(({ code, status }) => [code, status])).toEqual([
      ['unavailable', 503],
      ['unavailable', 503],
    ]);
  });

  test.each([
    ['in seconds', () => '1'],
    ['as a date', () => new Date(Date.now() + 2_000).toUTCString()],
  ])('Retry-After %s is waited for', async (_how, value) => {
    const { client, server } = await start((events, index) =>
      index === 0 ? { status: 429, headers: { 'retry-after': value() } } : stored(events),
    );
    client.track(EVENT);
    await client.flush();
    const [first, second] = server.requests;
    // A date has whole seconds, and timers may fire a millisecond early.
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(990);
  });

  test('a batch that is too large is halved until it fits, and an event that is alone too large is dropped', async () => {
    const { client, server, drops } = await start((events) =>
      events.some(({ id }) => id === 'huge') || events.length > 3 ? { status: 413 } : stored(events),
    );
    for (let index = 0; index < 10; index++) client.track({ ...EVENT, id: index === 4 ? 'huge' : `e${index}` });
    await client.flush();
    const arrived = server.requests.filter(({ events }) => events.length <= 3 && !events.some(({ id }) => id === 'huge'));
    expect(arrived.flatMap(({ events }) => events.map(({ id }) => id))).toEqual([
      'e0',
      'e1',
      'e2',
      'e3',
      'e5',
      'e6',
      'e7',
      'e8',
      'e9',
    ]);
    expect(drops).toEqual([{ reason: 'too_large', ids: ['huge'] }]);
    expect(client.counters).toMatchObject({ sent: 9, dropped: 1, queued: 0 });
  });

  test('events that the server rejects are reported and never sent again', async () => {
    const rejected = [{ index: 1, id: 'b', code: 'event.time_too_old', message: 'too old' }];
    const { client, server, errors } = await start((events) => ({
      status: 202,
      body: { accepted: events.length - 1, rejected },
    }));
    for (const id of ['a', 'b', 'c']) client.track({ ...EVENT, id });
    await client.flush();
    expect(server.requests.length).toBe(1);
    expect(errors.map(({ code, rejections }) => [code, rejections])).toEqual([
      ['event_rejected', [{ id: 'b', code: 'event.time_too_old', message: 'too old' }]],
    ]);
    expect(client.counters).toMatchObject({ sent: 2, rejected: 1, dropped: 0 });
  });

  test('a batch without a good event counts as rejected, event by event', async () => {
    const fault = (index: number, code: string) => ({ index, code, path: `[${index}].time`, message: 'no' });
    const errors400 = [fault(0, 'event.too_old'), fault(0, 'event.other'), fault(1, 'event.in_future')];
    const { client, errors, drops } = await start(() => ({
      status: 400,
      body: { code: 'request.no_valid_event', errors: errors400 },
    }));
    for (const id of ['a', 'b']) client.track({ ...EVENT, id });
    await client.flush();
    expect(errors[0]?.rejections.map(({ id, code }) => [id, code])).toEqual([
      ['a', 'event.too_old'],
      ['b', 'event.in_future'],
    ]);
    expect(drops).toEqual([]);
    expect(client.counters).toMatchObject({ sent: 0, rejected: 2, dropped: 0, queued: 0 });
  });

  test.each([400, 404])('a request refused with %d is dropped and reported, and the next one is sent', async (status) => {
    const { client, errors, drops } = await start((events, index) =>
      index === 0 ? { status, body: { code: 'request.bad', detail: 'no' } } : stored(events),
    );
    client.track({ ...EVENT, id: 'a' });
    await client.flush();
    client.track(EVENT);
    await client.flush();
    expect(errors.map(({ code, message }) => [code, message])).toEqual([
      ['batch_refused', `the server answered ${status}: request.bad: no`],
    ]);
    expect(drops).toEqual([{ reason: 'refused', ids: ['a'] }]);
    expect(client.counters).toMatchObject({ sent: 1, dropped: 1 });
  });

  test.each([401, 403])('after %d the events are kept and tried with the key of then', async (status) => {
    let key = 'old';
    const rotate = (): Answer => {
      key = 'new';
      return { status };
    };
    const { client, server, errors } = await start((events, index) => (index === 0 ? rotate() : stored(events)), {
      apiKey: () => key,
    });
    client.track(EVENT);
    await client.flush();
    expect(errors.map(({ code }) => code)).toEqual(['unauthorized']);
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
    expect(client.counters).toMatchObject({ sent: 1, dropped: 0 });
  });

  test('no answer in time, no connection and an answer that is not ours are tried again', async () => {
    const answers: Answer[] = [
      'hang',
      { status: 200, body: 'welcome' },
      { status: 202, body: { accepted: 0, rejected: [{ index: 7 }] } },
    ];
    let calls = 0;
    const { client, errors } = await start((events, index) => answers[index] ?? stored(events), {
      requestTimeoutMs: 30,
      fetch: (input, init) => (calls++ === 0 ? Promise.reject(new TypeError('fetch failed')) : fetch(input, init)),
    });
    client.track(EVENT);
    await client.flush();
    expect(errors.map(({ code }) => code)).toEqual(['unavailable', 'unavailable', 'answer_invalid', 'answer_invalid']);
    expect(client.counters).toMatchObject({ sent: 1, retried: 4 });
  });

  test('a batch is given up when it was tried for retryForMs', async () => {
    let nowMs = 0;
    const { client, server, drops } = await start(() => ({ status: 503 }), { now: () => (nowMs += 400), retryForMs: 1_000 });
    client.track({ ...EVENT, id: 'a' });
    await client.flush();
    expect(drops).toEqual([{ reason: 'expired', ids: ['a'] }]);
    expect(server.requests.length).toBeGreaterThan(1);
  });

  test('a full queue drops the newest, counts each and reports once per burst', async () => {
    let isUp = false;
    const { client, server, drops } = await start((events) => (isUp ? stored(events) : { status: 503 }), { queueEventsMax: 10 });
    for (let index = 0; index < 25; index++) client.track({ ...EVENT, id: `e${index}` });
    expect(client.counters).toMatchObject({ enqueued: 25, dropped: 15, queued: 10 });
    expect(drops).toEqual([{ reason: 'queue_full', ids: ['e10'] }]);
    isUp = true;
    await client.flush();
    expect(server.requests.at(-1)?.events.map(({ id }) => id)).toEqual([
      'e0',
      'e1',
      'e2',
      'e3',
      'e4',
      'e5',
      'e6',
      'e7',
      'e8',
      'e9',
    ]);
    isUp = false;
    for (let index = 0; index < 25; index++) client.track({ ...EVENT, id: `f${index}` });
    expect(drops.map(({ ids }) => ids)).toEqual([['e10'], ['f10']]);
  });

  test('the queue is bounded in bytes too', async () => {
    const { client, drops } = await start(() => 'hang', { queueBytesMax: 5_000 });
    for (let index = 0; index < 5; index++) client.track({ ...EVENT, data: { text: 'x'.repeat(2_000) } });
    expect(client.counters).toMatchObject({ queued: 2, dropped: 3 });
    expect(drops.length).toBe(1);
  });

  test('an event that cannot be sent is reported, not thrown', async () => {
    const { client, server, errors, drops } = await start(stored);
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    client.track({ ...EVENT, data: circle });
    client.track({ type: 'call', subject: '' });
    client.track({ ...EVENT, time: new Date(NaN) });
    client.trackMinutes({ subject: 'acme', minutes: 'twelve' });
    client.trackMinutes({ subject: 'acme', minutes: NaN });
    client.track(EVENT);
    await client.flush();
    expect(errors.map(({ code }) => code)).toEqual(Array(5).fill('event_invalid'));
    expect(drops.map(({ reason }) => reason)).toEqual(Array(5).fill('invalid'));
    expect(client.counters).toMatchObject({ enqueued: 6, dropped: 5, sent: 1 });
    expect(server.requests.length).toBe(1);
  });

  test('a callback that throws does not stop the sending', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { client } = await start((events, index) => (index === 0 ? { status: 500 } : stored(events)), {
      onError: () => {
        throw new Error('in the product');
      },
    });
    client.track(EVENT);
    await client.flush();
    expect(client.counters.sent).toBe(1);
    expect(logged).toHaveBeenCalledOnce();
    logged.mockRestore();
  });

  test.each<[string, Partial<MeterlineOptions>]>([
    ['url', { url: 'usage.example.com' }],
    ['apiKey', { apiKey: '' }],
    ['batchEventsMax', { batchEventsMax: 0 }],
    ['retryForMs', { retryForMs: NaN }],
  ])('a wrong %s is refused by name', (name, options) => {
    const construct = (): Meterline => new Meterline({ url: 'http://localhost', apiKey: 'k', ...options });
    expect(construct).toThrow(MeterlineError);
    expect(construct).toThrow(name);
  });
});
