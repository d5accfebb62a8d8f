import { afterEach, describe, expect, test, vi } from 'vitest';
import { EVENT, start, stopAll } from './test-client.ts';
import { stored } from './test-server.ts';

afterEach(async () => {
  vi.unstubAllGlobals();
  await stopAll();
});

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
    client.trackCall({ subject: 'acme', calls: 10n ** 30n, bytes: 2n ** 64n });
    await client.flush();
    expect(server.requests[0]?.events.map(({ type, data }) => [type, data])).toEqual([
      ['minutes', { minutes: '12.50', media: 'video', resolution: 'hd', room: 'r1' }],
      ['minutes', { minutes: '0.00000015' }],
      ['user', { user: 'ann', team: 'blue' }],
      ['call', { calls: '1', method: 'GET /x' }],
      ['call', { calls: `1${'0'.repeat(30)}`, bytes: '18446744073709551616' }],
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
