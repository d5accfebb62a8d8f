import { expect, it } from 'vitest';
import { type AppendGroup, createAppendQueue } from './append-queue.ts';

const headers = Buffer.from([0]);

/** A queue over brokers 0 and 1, which lead the even and the odd partitions, and the writes it started, each to be answered by hand. */
function queueWith(limits: { batchBytesMax?: number; inFlightBytesMax?: number; waitMsMax?: number } = {}) {
  const writes: {
    readonly group: AppendGroup;
    readonly retryForMs: number;
    answer: (outcomes: Record<number, number | Error>) => void;
  }[] = [];
  const queue = createAppendQueue({
    batchBytesMax: 100,
    inFlightBytesMax: 200,
    waitMsMax: 60_000,
    ...limits,
    leaderOf: (partition) => partition % 2,
    write: async (group, retryForMs) => {
      const { promise, resolve } = Promise.withResolvers<ReadonlyMap<number, number | Error>>();
      writes.push({
        group,
        retryForMs,
        answer: (outcomes) => resolve(new Map(Object.entries(outcomes).map(([p, one]) => [Number(p), one]))),
      });
      return promise;
    },
  });
  const add = (partition: number, sizeBytes = 10, count = 1) =>
    queue.add({
      partition,
      appendedAtMs: 1,
      sizeBytes,
      messages: Array.from({ length: count }, () => ({ headers, value: headers })),
    });
  const sizes = () =>
    writes.map(({ group }) => [...group].map(([partition, appends]) => `${partition}:${appends.length}`).join(' '));
  return { queue, add, writes, sizes };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

it('writes together what came in the same turn or during a write, one write a broker', async () => {
  const { add, writes, sizes } = queueWith();
  const first = [add(0), add(2), add(1), add(0, 10, 3)];
  await nextTurn();
  expect(sizes()).toEqual(['0:2 2:1', '1:1']);
  const later = [add(0), add(1), add(2)];
  await nextTurn();
  expect(sizes()).toHaveLength(2);
  writes[0]?.answer({ 0: 40, 2: 7 });
  await nextTurn();
  expect(sizes().slice(2)).toEqual(['0:1 2:1']);
  writes[1]?.answer({ 1: 0 });
  writes[2]?.answer({ 0: 44, 2: 8 });
  await nextTurn();
  writes[3]?.answer({ 1: 1 });
  expect(await Promise.all(first)).toEqual([40, 7, 0, 41]);
  expect(await Promise.all(later)).toEqual([44, 1, 8]);
});

it('fails only the appends of a partition that failed', async () => {
  const { add, writes } = queueWith();
  const appends = [add(0), add(2)];
  await nextTurn();
  writes[0]?.answer({ 0: 5, 2: new Error('no leader') });
  expect(await Promise.allSettled(appends)).toMatchObject([{ value: 5 }, { reason: { message: 'no leader' } }]);
});

it('keeps a batch within its size, and the order of a partition', async () => {
  const { add, writes, sizes } = queueWith();
  const appends = [add(0, 60), add(0, 60), add(0, 10)];
  await nextTurn();
  writes[0]?.answer({ 0: 0 });
  await nextTurn();
  writes[1]?.answer({ 0: 1 });
  expect(await Promise.all(appends)).toEqual([0, 1, 2]);
  expect(sizes()).toEqual(['0:1', '0:2']);
  await expect(add(0, 101)).rejects.toMatchObject({ kind: 'too_large', code: 'event_log.batch_too_large' });
});

it('takes nothing beyond its bound, and again once there is room', async () => {
  const { queue, add, writes } = queueWith();
  const taken = [add(0, 100), add(0, 100)];
  await expect(add(1, 1)).rejects.toMatchObject({ kind: 'unavailable', code: 'event_log.overloaded', retryAfterSeconds: 1 });
  await nextTurn();
  writes[0]?.answer({ 0: 0 });
  await taken[0];
  expect(queue.inFlightBytes).toBe(100);
  await nextTurn();
  writes[1]?.answer({ 0: 1 });
  await taken[1];
  expect(queue.inFlightBytes).toBe(0);
});

it('fails what waited too long for its turn, without writing it', async () => {
  const { add, writes, queue } = queueWith({ waitMsMax: -1 });
  await expect(add(0)).rejects.toMatchObject({ code: 'event_log.unavailable' });
  expect(writes).toEqual([]);
  expect(queue.inFlightBytes).toBe(0);
});

it('tries no longer than an append may wait, the wait for its turn included', async () => {
  const { add, writes } = queueWith({ waitMsMax: 10_000 });
  const addedMs = performance.now();
  const appends = [add(0), add(0, 100)];
  await nextTurn();
  await new Promise((resolve) => setTimeout(resolve, 50));
  writes[0]?.answer({ 0: 0 });
  await nextTurn();
  expect(writes[0]?.retryForMs).toBeGreaterThan(writes[1]?.retryForMs ?? Infinity);
  expect(writes[1]?.retryForMs).toBeLessThanOrEqual(10_000 - 45);
  expect(writes[1]?.retryForMs).toBeGreaterThan(10_000 - (performance.now() - addedMs) - 1);
  writes[1]?.answer({ 0: 1 });
  expect(await Promise.all(appends)).toEqual([0, 1]);
});

it('finishes what it took before it closes, and takes nothing then', async () => {
  const { queue, add, writes } = queueWith();
  const taken = [add(0, 60), add(0, 60)];
  const closing = queue.close();
  await nextTurn();
  writes[0]?.answer({ 0: 0 });
  await nextTurn();
  writes[1]?.answer({ 0: 1 });
  await closing;
  expect(await Promise.all(taken)).toEqual([0, 1]);
  await expect(add(0)).rejects.toMatchObject({ code: 'event_log.closed' });
});
