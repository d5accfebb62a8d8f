import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Database } from '@meterline/pipeline/ports';
import { systemClock, testClock, type TestClock } from '@meterline/runtime/clock';
import type { OnStop } from '@meterline/runtime/lifecycle';
import type { Logger } from '@meterline/runtime/logging';

export interface ServiceClock {
  readonly clock: Clock;
  /** Present for a test clock; resolves when every process has the new time. Fails with `clock.backwards`. */
  readonly testClock?: { moveTo(toMs: number): Promise<void> };
}

const FOLLOW_EVERY_MS = 100;
/** After a move, until every process has looked again. */
const FOLLOWED_MS = 500;
/** The machine's clock and the process's run apart a little; time that has passed is not moved back. */
const TOLERANCE_MS = 20;

/** The machine's time, or one test clock for all processes of a billing store: the first one starts it, a move reaches all. */
export async function sharedClock(options: {
  readonly startIso: string | null;
  readonly database: Database;
  readonly logger: Logger;
  readonly onStop: OnStop;
}): Promise<ServiceClock> {
  const { startIso, database, logger, onStop } = options;
  if (startIso === null) return { clock: systemClock() };

  await database.query('insert into test_clock (shift_ms) values ($1) on conflict do nothing', [
    Date.parse(startIso) - Date.now(),
  ]);
  const clock = testClock(new Date(Date.now() + (await shiftMs(database))).toISOString());
  const stopping = new AbortController();
  const following = follow(clock, { database, logger, signal: stopping.signal });
  onStop('test clock', async () => {
    stopping.abort();
    await following;
  });
  return {
    clock,
    testClock: {
      async moveTo(toMs) {
        clock.moveTo(toMs);
        await database.query('update test_clock set shift_ms = greatest(shift_ms, $1)', [toMs - Date.now()]);
        await sleep(FOLLOWED_MS);
      },
    },
  };
}

async function shiftMs(database: Database): Promise<number> {
  const [row] = await database.query<{ shift_ms: string }>('select shift_ms from test_clock');
  return Number(row?.shift_ms ?? 0);
}

async function follow(
  clock: TestClock,
  { database, logger, signal }: { database: Database; logger: Logger; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    await sleep(FOLLOW_EVERY_MS, undefined, { signal }).catch(() => undefined);
    try {
      const toMs = Date.now() + (await shiftMs(database));
      if (toMs > clock.nowMs() + TOLERANCE_MS) clock.moveTo(toMs);
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error }, 'the test clock could not be read');
    }
  }
}
