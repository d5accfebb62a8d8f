import { afterEach, expect, test } from 'vitest';
import { manualTimer } from '../../../../test/support/manual-timer.ts';
import type { Wakeup } from '../ports/index.ts';
import { startWakeLoop, type WakeLoop } from './wake-loop.ts';

let loop: WakeLoop | undefined;
afterEach(() => loop?.stop());

interface SetUpOptions {
  readonly fails?: (tenant: string) => boolean;
  readonly batchRowsMax?: number;
  readonly turnIntervalMsMin?: number;
  /** What handling the rows of a tenant takes. */
  readonly takesMs?: number;
}

function setUp(options: SetUpOptions = {}) {
  let rows: Wakeup[] = [];
  const handled: string[] = [];
  const errors: unknown[] = [];
  const time = manualTimer();
  const store = {
    table: { broken: false },
    async waiting(limit: number, exceptTenants: readonly string[]) {
      if (store.table.broken) throw new Error('no database');
      return rows.filter((row) => !exceptTenants.includes(row.tenant)).slice(0, limit);
    },
    backlog: async () => ({ rows: rows.length, oldestAgeMs: rows.length * 10 }),
  };
  const add = (...tenants: string[]) => {
    for (const tenant of tenants) rows.push({ id: String(rows.length + handled.length), tenant, subjects: [], customers: [] });
  };
  const start = () => {
    loop = startWakeLoop({
      store,
      timer: time.timer,
      onError: (error) => errors.push(error),
      async handle(tenant, wakeups) {
        if (options.fails?.(tenant) === true) throw new Error('no usage store');
        time.moveTo(time.timer.nowMs() + (options.takesMs ?? 0));
        handled.push(`${tenant} x${wakeups.length}`);
        rows = rows.filter((row) => !wakeups.includes(row));
      },
      turnIntervalMsMin: options.turnIntervalMsMin ?? 0,
      ...(options.batchRowsMax !== undefined && { batchRowsMax: options.batchRowsMax }),
    });
    return loop;
  };
  return { add, start, handled, errors, time, store };
}

test('rows of a tenant are handled together, and a full batch is followed by the next at once', async () => {
  const { add, start, handled, time } = setUp({ batchRowsMax: 3 });
  add('a', 'b', 'a', 'a');
  start();
  await time.sleeping();
  expect(handled).toEqual(['a x2', 'b x1', 'a x1']);
});

test('a notification is answered at once, a lost one by the next poll', async () => {
  const { add, start, handled, time } = setUp();
  const started = start();
  expect(await time.sleeping()).toBe(1000);
  add('a');
  started.notify();
  await time.sleeping();
  expect(handled).toEqual(['a x1']);
  add('b');
  time.moveTo(1000);
  await time.sleeping();
  expect(handled).toEqual(['a x1', 'b x1']);
});

test('a tenant that fails is tried again with growing pauses, is reported as stuck, and holds up nobody', async () => {
  let broken = true;
  const { add, start, handled, errors, time } = setUp({ fails: (tenant) => tenant === 'bad' && broken });
  add('bad', 'good');
  const started = start();
  expect(await time.sleeping()).toBe(250);
  expect(handled).toEqual(['good x1']);
  time.moveTo(250);
  expect(await time.sleeping()).toBe(750); // 250 + 2 * 250
  expect(errors).toHaveLength(2);
  expect(await started.health()).toEqual({ stuckSinceMs: 0, waitingRows: 1, oldestWaitingAgeMs: 10 });
  broken = false;
  time.moveTo(750);
  await time.sleeping();
  expect(handled).toEqual(['good x1', 'bad x1']);
  expect(await started.health()).toMatchObject({ stuckSinceMs: null, waitingRows: 0 });
});

test('an unreachable table is tried again and reported as stuck', async () => {
  const { add, start, handled, time, store } = setUp();
  store.table.broken = true;
  add('a');
  const started = start();
  expect(await time.sleeping()).toBe(250);
  expect(await started.health()).toMatchObject({ stuckSinceMs: 0 });
  store.table.broken = false;
  time.moveTo(250);
  await time.sleeping();
  expect(handled).toEqual(['a x1']);
  expect(await started.health()).toMatchObject({ stuckSinceMs: null });
});

test('notifications that follow each other closely are answered together', async () => {
  const { add, start, handled, time } = setUp({ turnIntervalMsMin: 200 });
  const started = start();
  await time.sleeping();
  add('a');
  started.notify();
  expect(await time.sleeping()).toBe(200);
  add('a');
  started.notify();
  expect(handled).toEqual([]);
  time.moveTo(200);
  await time.sleeping();
  expect(handled).toEqual(['a x2']);
});

test('a turn is followed by a rest as long as it took, but a quarter of a second at most', async () => {
  for (const [takesMs, restsMs] of [
    [90, 90],
    [4_000, 250],
  ] as const) {
    const { add, start, time } = setUp({ takesMs, turnIntervalMsMin: 50 });
    add('a');
    const started = start();
    await time.sleeping();
    started.notify();
    expect(await time.sleeping()).toBe(takesMs + restsMs);
    await started.stop();
  }
});
