import { afterEach, describe, expect, test, vi } from 'vitest';
import { Meterline, MeterlineError } from './index.ts';
import type { Drop, MeterlineOptions } from './index.ts';
import { startServer, stored } from './test-server.ts';
import type { Answer, SeenEvent } from './test-server.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.unstubAllGlobals();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(answer: (events: readonly SeenEvent[], index: number) => Answer, options: Partial<MeterlineOptions> = {}) {
  const server = await startServer(answer);
  const errors: MeterlineError[] = [];
  const drops: Drop[] = [];
  const client = new Meterline({
    url: server.url,
    apiKey: 'mk_test_1_secret',
    flushIntervalMs: 5,
    backoffMinMs: 1,
    backoffMaxMs: 10,
    onError: (error) => errors.push(error),
    onDrop: (drop) => drops.push(drop),
    ...options,
  });
  cleanups.push(server.stop, () => client.close({ timeoutMs: 0 }));
  return { client, server, errors, drops };
}

const EVENT = { type: 'call', subject: 'acme' };

describe('what is sent', () => {
  test('is a batch of CloudEvents with the key, in the order of tracking', async () => {
    const { client, server } = await start(stored, { now: () => 1_795_310_410_123 });
    const ids = [
      client.track({ ...EVENT, data: { tokens: '12.50' } }),
      client.track(EVENT),
      client.track({ ...EVENT, id: 'mine', source: 'app' }),
    ];
    await client.flush();
    const request = server.requests[0];
    expect(request?.path).toBe('/v1/events');
    expect(request?.headers).toMatchObject({
      authorization: 'Bearer mk_test_1_secret',
      'content-type': 'application/cloudevents-batch+json',
    });
    expect(request?.events.map(({ id }) => id)).toEqual(ids);
    expect(request?.events[0]).toMatchObject({
      ...EVENT,
      specversion: '1.0',
      source: 'sdk',
      time: '2026-11-22T01:20:10.123Z',
      data: { tokens: '12.50' },
    });
    expect(request?.events[2]).toMatchObject({ id: 'mine', source: 'app' });
    expect(client.counters).toEqual({ enqueued: 3, sent: 3, rejected: 0, dropped: 0, queued: 0, retried: 0 });
  });

  test('by trackMinutes, trackUser and trackCall has a documented type and exact quantities', async () => {
    const { client, server } = await start(stored);
    client.trackMinutes({ subject: 'acme', minutes: '12.50', media: 'video', resolution: 'hd', room: 'r1', time: new Date(0) });
    client.trackMinutes({ subject: 'acme', minutes: 1.5e-7 });
    client.trackUser({ subject: 'acme', user: 'ann', team: 'blue' });
    client.trackCall({ subject: 'acme', method: 'GET /x' });
    client.trackCall({ subject: 'acme', calls: 10n ** 30n, id: 'c' });
    await client.flush();
    expect(server.requests[0]?.events.map(({ type, data }) => [type, data])).toEqual([
      ['minutes', { minutes: '12.50', media: 'video', resolution: 'hd', room: 'r1' }],
      ['minutes', { minutes: '0.00000015' }],
      ['user', { user: 'ann', team: 'blue' }],
      ['call', { calls: '1', method: 'GET /x' }],
      ['call', { calls: `1${'0'.repeat(30)}` }],
    ]);
    expect(server.requests[0]?.events[0]?.time).toBe('1970-01-01T00:00:00.000Z');
    expect(new Set(server.requests[0]?.events.map(({ id }) => id)).size).toBe(5);
  });

  test('is fixed when it is tracked: changing the data afterwards changes nothing', async () => {
    const { client, server } = await start(stored);
    const data = { count: 1 };
    client.track({ ...EVENT, data });
    data.count = 2;
    await client.flush();
    expect(server.requests[0]?.events[0]?.data).toEqual({ count: 1 });
  });

  test('leaves without a flush, after the interval', async () => {
    const { client, server } = await start(stored);
    client.track(EVENT);
    await vi.waitFor(() => expect(client.counters.sent).toBe(1));
    expect(server.requests.length).toBe(1);
  });

  test('leaves at once when a batch is full, by events or by bytes, and no body is larger', async () => {
    const { client, server } = await start(stored, { flushIntervalMs: 3_600_000, batchEventsMax: 10, batchBytesMax: 1_000 });
    for (let index = 0; index < 10; index++) client.track(EVENT);
    await vi.waitFor(() => expect(client.counters.sent).toBeGreaterThan(5));
    for (let index = 0; index < 3; index++) client.track({ ...EVENT, data: { text: 'é'.repeat(150) } });
    client.track({ ...EVENT, data: { text: 'x'.repeat(2_000) } });
    await client.flush();
    expect(server.requests.every(({ events }) => events.length <= 10)).toBe(true);
    expect(server.requests.filter(({ body }) => Buffer.byteLength(body) > 1_000).map(({ events }) => events.length)).toEqual([1]);
    expect(client.counters.sent).toBe(14);
  });
});

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

describe('flush and close', () => {
  test('flush waits for what was tracked before it, not for what comes later', async () => {
    let release: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const { client } = await start(stored, {
      concurrency: 2,
      fetch: async (input, init) => {
        if (String(init?.body).includes('later')) await held;
        return fetch(input, init);
      },
    });
    client.track(EVENT);
    const flushed = client.flush();
    client.track({ ...EVENT, id: 'later' });
    const flushedLater = client.flush();
    await flushed;
    expect(client.counters).toMatchObject({ sent: 1, queued: 1 });
    release?.();
    await flushedLater;
    expect(client.counters).toMatchObject({ sent: 2, queued: 0 });
  });

  test('close sends what is queued, then takes nothing more', async () => {
    const { client, server, drops } = await start(stored, { flushIntervalMs: 3_600_000 });
    client.track(EVENT);
    await client.close();
    expect(server.requests.length).toBe(1);
    client.track({ ...EVENT, id: 'late' });
    expect(drops).toEqual([{ reason: 'closed', ids: ['late'] }]);
    expect(client.counters).toMatchObject({ enqueued: 2, sent: 1, dropped: 1, queued: 0 });
  });

  test('close gives up after its time, even on a fetch that never ends, and says what was lost', async () => {
    const { client, drops } = await start(stored, {
      batchEventsMax: 1,
      concurrency: 1,
      fetch: () => new Promise(() => undefined),
    });
    client.track({ ...EVENT, id: 'a' });
    client.track({ ...EVENT, id: 'b' });
    await client.close({ timeoutMs: 20 });
    expect(drops.flatMap(({ reason, ids }) => ids.map((id) => [reason, id])).sort()).toEqual([
      ['closed', 'a'],
      ['closed', 'b'],
    ]);
    expect(client.counters).toMatchObject({ dropped: 2, queued: 0 });
  });

  test('close interrupts the wait before a retry', async () => {
    const { client } = await start(() => ({ status: 503, headers: { 'retry-after': '3600' } }));
    client.track(EVENT);
    await client.close({ timeoutMs: 50 });
    expect(client.counters).toMatchObject({ dropped: 1, queued: 0 });
  });

  test('no more than `concurrency` requests are under way', async () => {
    let underWay = 0;
    let most = 0;
    const { client } = await start(stored, {
      batchEventsMax: 1,
      concurrency: 3,
      fetch: async (input, init) => {
        most = Math.max(most, ++underWay);
        try {
          return await fetch(input, init);
        } finally {
          underWay--;
        }
      },
    });
    for (let index = 0; index < 30; index++) client.track(EVENT);
    await client.flush();
    expect(most).toBe(3);
  });

  test('when the browser leaves the page, everything that fits leaves with it in requests that outlive it', async () => {
    const page = new EventTarget();
    vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
    vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
    const sent: { keepalive: boolean | undefined; bytes: number }[] = [];
    const { client } = await start(stored, {
      flushIntervalMs: 3_600_000,
      concurrency: 1,
      fetch: (input, init) => {
        sent.push({ keepalive: init?.keepalive, bytes: String(init?.body).length });
        return fetch(input, init);
      },
    });
    for (let index = 0; index < 5; index++) client.track({ ...EVENT, data: { text: 'x'.repeat(25_000) } });
    page.dispatchEvent(new Event('pagehide'));
    expect(sent.map(({ keepalive }) => keepalive)).toEqual([true]);
    expect(sent[0]?.bytes).toBeGreaterThan(50_000);
    await client.flush();
    expect(sent.every(({ keepalive, bytes }) => keepalive === bytes <= 60_000)).toBe(true);
    expect(client.counters.sent).toBe(5);
    await client.close();
    page.dispatchEvent(new Event('pagehide'));
  });
});
