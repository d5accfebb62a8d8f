import { describe, expect, it } from 'vitest';
import { systemClock, testClock } from './index.ts';

const START = '2023-11-16T19:15:00Z';
const startMs = Date.parse(START);

describe('testClock', () => {
  it('starts where it is told and ticks on', async () => {
    const clock = testClock(START);
    const first = clock.nowMs();
    expect(first - startMs).toBeLessThan(1_000);
    await clock.sleepUntil(first + 5);
    expect(clock.nowMs()).toBeGreaterThanOrEqual(first + 5);
  });

  it('moves forward and wakes exactly the sleepers whose time has come', async () => {
    const clock = testClock(START);
    const woken: string[] = [];
    const day = clock.sleepUntil(startMs + 86_400_000).then(() => woken.push('day'));
    const stop = new AbortController();
    const year = clock.sleepUntil(startMs + 365 * 86_400_000, stop.signal).then(() => woken.push('year'));
    clock.moveTo(startMs + 2 * 86_400_000);
    await day;
    expect(woken).toEqual(['day']);
    stop.abort();
    await year;
  });

  it('never moves backwards', () => {
    const clock = testClock(START);
    expect(() => clock.moveTo(startMs - 1)).toThrow('only moves forward');
    expect(() => clock.moveTo(Number.NaN)).toThrow('only moves forward');
  });

  it('refuses a start that is no instant', () => {
    expect(() => testClock('yesterday')).toThrow('not an RFC 3339 instant');
  });
});

describe('systemClock', () => {
  it('resolves at once for the past, and when aborted', async () => {
    const clock = systemClock();
    await clock.sleepUntil(clock.nowMs() - 1);
    const stop = new AbortController();
    const sleeping = clock.sleepUntil(clock.nowMs() + 1e9, stop.signal);
    stop.abort();
    await sleeping;
    await clock.sleepUntil(clock.nowMs() + 1e9, stop.signal);
    expect(stop.signal.aborted).toBe(true);
  });
});
