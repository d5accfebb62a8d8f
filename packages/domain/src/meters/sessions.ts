import type { TimeWindow } from '../time/index.ts';

/** One session, half-open: who leaves at an instant and who joins at it are not there together. */
export interface Session {
  readonly dims: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
}

/** A join or leave of one session id. */
export interface SessionMark {
  readonly phase: 'join' | 'leave';
  readonly atMs: number;
  readonly dims: readonly string[];
}

/**
 * The sessions of one id, from its marks in any order. A join opens, the next leave closes, and `maxMs` after its last join a session has ended
 * anyway: its leave was lost. A join while it is open keeps it open for another `maxMs`, and moves it if it has other dimensions; a leave while
 * none is open means nothing; a join and a leave at the same instant take each other out. Of joins at the same instant the first by text of their
 * dimensions stands. So what is open at an instant depends only on the marks of the `maxMs` before it.
 */
export function sessionsOf(marks: readonly SessionMark[], maxMs: number): Session[] {
  const sessions: Session[] = [];
  let open: { dims: readonly string[]; fromMs: number; untilMs: number } | undefined;
  const close = (atMs: number): void => {
    if (open === undefined) return;
    sessions.push({ dims: open.dims, fromMs: open.fromMs, toMs: Math.min(atMs, open.untilMs) });
    open = undefined;
  };
  const instants = [...Map.groupBy(marks, ({ atMs }) => atMs)].toSorted(([a], [b]) => a - b);
  for (const [atMs, those] of instants) {
    if (open !== undefined && open.untilMs <= atMs) close(atMs);
    const joins = those.filter(({ phase }) => phase === 'join');
    if (joins.length > 0 && joins.length < those.length) continue;
    const dims = firstDims(joins);
    if (open === undefined || dims === null || !sameTexts(dims, open.dims)) close(atMs);
    if (dims !== null) open = { dims, fromMs: open?.fromMs ?? atMs, untilMs: atMs + maxMs };
  }
  close(Infinity);
  return sessions;
}

/**
 * The most sessions that were open at one instant of each window, those open at its start included. Windows follow one another without a gap.
 */
export function peakConcurrency(sessions: readonly Pick<Session, 'fromMs' | 'toMs'>[], windows: readonly TimeWindow[]): number[] {
  const starts = Float64Array.from(sessions, ({ fromMs }) => fromMs).sort();
  const ends = Float64Array.from(sessions, ({ toMs }) => toMs).sort();
  let started = 0;
  let ended = 0;
  /** How many are open once everything up to and at `ms` has happened. */
  const openAt = (ms: number): number => {
    while (started < starts.length && (starts[started] as number) <= ms) started += 1;
    while (ended < ends.length && (ends[ended] as number) <= ms) ended += 1;
    return started - ended;
  };
  return windows.map(({ fromMs, toMs }) => {
    let peak = openAt(fromMs);
    // the number only rises where a session starts
    while (started < starts.length && (starts[started] as number) < toMs)
      peak = Math.max(peak, openAt(starts[started] as number));
    return peak;
  });
}

function firstDims(joins: readonly SessionMark[]): readonly string[] | null {
  const [first] = joins.map(({ dims }) => ({ dims, key: JSON.stringify(dims) })).toSorted((a, b) => (a.key < b.key ? -1 : 1));
  return first?.dims ?? null;
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.every((text, index) => text === b[index]);
}
