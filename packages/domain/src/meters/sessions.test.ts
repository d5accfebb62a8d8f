import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { peakConcurrency, type SessionMark, sessionsOf } from './sessions.ts';

const mark = (phase: SessionMark['phase'], atMs: number, ...dims: string[]): SessionMark => ({ phase, atMs, dims });
const spans = (marks: readonly SessionMark[], maxMs = 100) => sessionsOf(marks, maxMs).map(({ fromMs, toMs }) => [fromMs, toMs]);

describe('sessions from joins and leaves', () => {
  it('last from the join to the next leave, and not for ever when the leave is lost', () => {
    expect(spans([mark('join', 10), mark('leave', 30), mark('join', 40), mark('leave', 45)])).toEqual([[10, 30], [40, 45]]); // prettier-ignore
    expect(spans([mark('join', 10)])).toEqual([[10, 110]]);
    expect(spans([mark('join', 10), mark('join', 60)])).toEqual([[10, 160]]);
    expect(spans([mark('join', 10), mark('join', 200), mark('leave', 210)])).toEqual([[10, 110], [200, 210]]); // prettier-ignore
    expect(spans([mark('leave', 5), mark('join', 10), mark('leave', 20), mark('leave', 30)])).toEqual([[10, 20]]);
  });

  it('stay as they were where a join and a leave come at the same instant', () => {
    expect(spans([mark('join', 10), mark('leave', 10)])).toEqual([]);
    expect(spans([mark('join', 10), mark('leave', 20), mark('join', 20), mark('leave', 30)])).toEqual([[10, 30]]);
  });

  it('have the dimensions of their last join', () => {
    expect(sessionsOf([mark('join', 1, 'audio'), mark('join', 5, 'video'), mark('leave', 9)], 100)).toEqual([
      { dims: ['audio'], fromMs: 1, toMs: 5 },
      { dims: ['video'], fromMs: 5, toMs: 9 },
    ]);
    expect(sessionsOf([mark('join', 1, 'b'), mark('join', 1, 'a'), mark('leave', 9)], 100)[0]?.dims).toEqual(['a']);
  });

  const marks = fc.array(
    fc.record({ phase: fc.constantFrom('join' as const, 'leave' as const), atMs: fc.integer({ min: 0, max: 30 }) }),
    { maxLength: 14 },
  );

  /** Whether a session is open, instant by instant, told by what the marks before it say. */
  function openInstants(list: readonly { phase: SessionMark['phase']; atMs: number }[], maxMs: number): number[] {
    const open: number[] = [];
    let until = -1;
    for (let ms = 0; ms <= 60; ms += 1) {
      const joins = list.some((one) => one.atMs === ms && one.phase === 'join');
      const leaves = list.some((one) => one.atMs === ms && one.phase === 'leave');
      if (joins && !leaves) until = ms + maxMs;
      if (leaves && !joins) until = -1;
      if (ms < until) open.push(ms);
    }
    return open;
  }

  it('are open exactly when a state machine fed instant by instant says so, whatever the order of the marks', () => {
    fc.assert(
      fc.property(marks, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 30 }), (list, maxMs, from) => {
        const withDims = list.map(({ phase, atMs }) => mark(phase, atMs));
        const instants = (some: SessionMark[]) =>
          sessionsOf(some, maxMs).flatMap(({ fromMs, toMs }) =>
            Array.from({ length: toMs - fromMs }, (_, index) => fromMs + index),
          );
        const expected = openInstants(list, maxMs);
        expect(instants(withDims)).toEqual(expected);
        expect(instants(withDims.toReversed())).toEqual(expected);
        // what is open from an instant on depends on the marks of the time before it that a session can last
        const recent = withDims.filter(({ atMs }) => atMs >= from - maxMs);
        expect(instants(recent).filter((ms) => ms >= from)).toEqual(expected.filter((ms) => ms >= from));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('peak concurrency', () => {
  const windows = [0, 10, 20].map((fromMs) => ({ fromMs, toMs: fromMs + 10 }));

  it('counts who is there together, not who leaves as another joins', () => {
    const sessions = [[0, 5], [5, 8], [4, 6], [18, 25], [20, 20]].map(([fromMs = 0, toMs = 0]) => ({ fromMs, toMs })); // prettier-ignore
    // at 4: two. at 18: one, and it is still there when the third window begins; the session without length is never there
    expect(peakConcurrency(sessions, windows)).toEqual([2, 1, 1]);
    expect(peakConcurrency([], windows)).toEqual([0, 0, 0]);
  });

  it('is the most sessions that hold any one instant of the window', () => {
    const session = fc
      .tuple(fc.integer({ min: -10, max: 40 }), fc.nat(20))
      .map(([fromMs, length]) => ({ fromMs, toMs: fromMs + length }));
    fc.assert(
      fc.property(fc.array(session, { maxLength: 20 }), (sessions) => {
        const naive = windows.map(({ fromMs, toMs }) => {
          const counts = Array.from({ length: toMs - fromMs }, (_, index) => {
            return sessions.filter((one) => one.fromMs <= fromMs + index && fromMs + index < one.toMs).length;
          });
          return Math.max(...counts);
        });
        expect(peakConcurrency(sessions, windows)).toEqual(naive);
        expect(peakConcurrency(sessions.toReversed(), windows)).toEqual(naive);
      }),
      { numRuns: 1000 },
    );
  });
});
