import { sandboxStore } from '@meterline/backends/postgres';
import { createAlertRule } from '@meterline/pipeline/alerts';
import { requestInvoiceRun, setSchedule } from '@meterline/pipeline/invoices';
import type { Occurrence, Database } from '@meterline/pipeline/ports';
import { createLogger } from '@meterline/runtime/logging';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';
import { type Evaluated, type RatingWorker, type RatingWorkerDeps, startRatingWorker } from './rating-worker.ts';

let database: Database;
let it: RatingFixture;
let worker: RatingWorker;
let evaluated: (result: Evaluated) => void;
let messages: () => void;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  it = await openRatingFixture(database, '2026-03-15T12:00:00Z');
  await it.meter('calls');
  await it.plan('pro', [{ key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.01' } }]);
  await it.customer('acme', ['a']);
  await it.subscribe('acme', 'pro', '2026-02-01T00:00:00Z');
  await createAlertRule(it, { customer: 'acme', thresholds: ['1.00'] }, it.tenant);
  evaluated = () => undefined;
  messages = () => undefined;
});
afterEach(async () => {
  await worker.stop();
  await it.close();
});

async function start(
  conclude?: (occurrences: readonly Occurrence[]) => void,
  deps: Partial<RatingWorkerDeps> = {},
): Promise<void> {
  const { wakeups } = it.ports;
  worker = await startRatingWorker({
    ...it.ports,
    sandboxes: sandboxStore(it.database),
    wakeups: {
      ...wakeups,
      conclude(occurrences, ...rest) {
        conclude?.(occurrences);
        return wakeups.conclude(occurrences, ...rest);
      },
    },
    logger: createLogger({ level: 'silent', service: 'test' }),
    onMessages: () => messages(),
    onEvaluated: (result) => evaluated(result),
    // Long enough that only a notification can explain a quick answer.
    pollIntervalMs: 60_000,
    ...deps,
  });
}

/** The next evaluation that saw rows. */
const evaluation = () => new Promise<Evaluated>((resolve) => (evaluated = resolve));

test('what was left behind is evaluated at start, what is committed later when notified', async () => {
  const first = evaluation();
  await start();
  expect(await first).toMatchObject({ fired: 0 });
  const second = evaluation();
  const told = new Promise<void>((resolve) => (messages = resolve));
  await it.use('calls', 'a', '2026-03-15T11:00:00Z', '100');
  worker.notify();
  expect(await second).toMatchObject({ wakeups: 1, fired: 1 });
  await told;
  expect(await it.messages('alert.triggered')).toHaveLength(1);
  expect(await worker.trouble()).toBeUndefined();
});

test('a clock on its way waits for no poll: what waits for rating is looked at', async () => {
  const first = evaluation();
  await start();
  await first;
  const sandboxes = sandboxStore(it.database);
  const nowMs = it.clock.nowMs();
  const schedule = { cron: '0 6 1 * *', timezone: 'UTC', nextRunAtMs: Date.parse('2026-04-01T06:00:00Z') };
  const adminKey = { id: `${it.tenant}-box`, secretHash: new Uint8Array(32) };
  const box = await sandboxes.insert({ key: 'box', name: 'Box', clockShiftMs: 0, schedule, adminKey }, nowMs, it.tenant);
  const second = evaluation();
  await it.use('calls', 'a', '2026-03-15T11:00:00Z', '100');
  await sandboxes.send(nowMs + 60_000, box?.ownTenant ?? '');
  worker.notifySandboxes();
  expect(await second).toMatchObject({ wakeups: 1, fired: 1 });
});

test('an evaluation that fails is repeated until it succeeds, and fires once', async () => {
  let failures = 2;
  const fired = new Promise<Evaluated>((resolve) => {
    evaluated = (result) => {
      if (result.fired > 0) resolve(result);
    };
  });
  await it.use('calls', 'a', '2026-03-15T11:00:00Z', '100');
  await start(() => {
    if (failures-- > 0) throw new Error('no database');
  });
  expect(await fired).toMatchObject({ fired: 1 });
  expect(failures).toBe(-1);
  expect(await worker.health()).toMatchObject({ stuckSinceMs: null, waitingRows: 0 });
});

/** Waits until the tenant has this many invoices, looking whenever a run ends. */
async function invoiced(count: number): Promise<string[]> {
  for (;;) {
    const ended = new Promise<void>((resolve) => (messages = resolve));
    const invoices = await it.invoices();
    if (invoices.length >= count) return invoices.map((invoice) => invoice.period_from.slice(0, 7));
    await ended;
  }
}

test('a run is made on request, and at its due time when the clock gets there', async () => {
  await start();
  await requestInvoiceRun(it.ports, undefined, it.tenant);
  expect(await invoiced(1)).toEqual(['2026-02']);

  await setSchedule({ schedules: it.ports.invoices, clock: it.clock }, { cron: '0 6 1 * *', timezone: 'UTC' }, it.tenant);
  worker.notifySchedule();
  it.clock.moveTo(Date.parse('2026-04-01T06:00:00Z'));
  expect(await invoiced(2)).toEqual(['2026-02', '2026-03']);
});

test('clocks of sandboxes that cannot step are counted, and named as the trouble until they can again', async () => {
  let works = false;
  const failed = Promise.withResolvers<void>();
  const step = async () => {
    if (!works) throw new Error('no database');
    return [];
  };
  await start(undefined, { sandboxes: { step }, onSandboxFailure: failed.resolve });
  await failed.promise;
  expect(await worker.trouble()).toMatch(/^the clocks of sandboxes have stood still since 2/);
  works = true;
  worker.notifySandboxes();
  await expect.poll(() => worker.trouble(), { timeout: 30_000 }).toBeUndefined();
});
