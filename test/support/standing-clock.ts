import type { TestClock } from '@meterline/runtime/clock';

/** A clock that only goes on when it is moved: whoever asks twice gets one answer, so that a case comes out the same each time. */
export function standingClock(startMs: number): TestClock {
  let nowMs = startMs;
  return {
    nowMs: () => nowMs,
    moveTo(toMs) {
      if (!(toMs >= nowMs)) throw new Error(`a clock only moves forward: ${toMs} is before ${nowMs}`);
      nowMs = toMs;
    },
    sleepUntil: () => Promise.reject(new Error('nobody waits for a clock that stands')),
  };
}
