import { Fault } from '@meterline/domain/faults';
import type { Clock } from '@meterline/pipeline/ports';

/** A clock for tests and sandboxes: ticks on from its start and can be moved, but only forward. */
export interface TestClock extends Clock {
  /** Moves on to `toMs` and wakes whoever slept until then. Fails with `clock.backwards`. */
  moveTo(toMs: number): void;
}

/** No timer is longer than this, so that a jump of the machine's clock is noticed. */
const TIMER_MS_MAX = 60_000;

interface Sleeper {
  /** Wakes the sleeper if its time has come; otherwise sets its timer anew. */
  check(): void;
}

/** The machine's time. */
export function systemClock(): Clock {
  return sleepingClock(Date.now, new Set());
}

/** Starts at `startIso` (RFC 3339) and ticks on at the machine's speed. */
export function testClock(startIso: string): TestClock {
  const startMs = Date.parse(startIso);
  if (Number.isNaN(startMs)) throw new Fault('invalid', 'clock.invalid_start', `"${startIso}" is not an RFC 3339 instant.`);
  let shiftMs = startMs - performance.now();
  const nowMs = () => Math.floor(performance.now() + shiftMs);
  const sleepers = new Set<Sleeper>();
  return {
    ...sleepingClock(nowMs, sleepers),
    moveTo(toMs) {
      if (!(toMs >= nowMs()))
        throw new Fault(
          'conflict',
          'clock.backwards',
          `The clock is at ${new Date(nowMs()).toISOString()} and only moves forward.`,
        );
      shiftMs = toMs - performance.now();
      for (const sleeper of [...sleepers]) sleeper.check();
    },
  };
}

function sleepingClock(nowMs: () => number, sleepers: Set<Sleeper>): Clock {
  return {
    nowMs,
    sleepUntil: (atMs, signal) =>
      new Promise((resolve) => {
        let timer: NodeJS.Timeout | undefined;
        const wake = () => {
          clearTimeout(timer);
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper = {
          check() {
            clearTimeout(timer);
            const leftMs = atMs - nowMs();
            if (leftMs <= 0 || signal?.aborted === true) wake();
            else timer = setTimeout(sleeper.check, Math.min(leftMs, TIMER_MS_MAX));
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', wake);
        sleeper.check();
      }),
  };
}
