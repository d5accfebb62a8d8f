import { peakConcurrency, type Session, type SessionMark, sessionsOf, windowIndexAt } from '@meterline/domain/meters';
import type { TimeWindow } from '@meterline/domain/time';
import type { UsageQuery } from '../ports/usage-reader.ts';
import { ByGroup, type CountedEvent, queryGrouping } from './counted-events.ts';
import type { WindowValue } from './query-windows.ts';

const ONE = 10n ** 12n;

/**
 * Usage of a peak_concurrency from all its events of the range and of `maxSeconds` before, subject after subject: a session id belongs to its
 * subject, so the marks of one subject at a time are kept, and of the rest only when sessions begin and end.
 */
export class SessionUsage {
  readonly #windows: readonly TimeWindow[];
  readonly #groupOf: ReturnType<typeof queryGrouping>;
  readonly #maxMs: number;
  readonly #groups = new ByGroup<Pick<Session, 'fromMs' | 'toMs'>[]>(() => []);
  #subject: string | null = null;
  #marks = new Map<string, SessionMark[]>();

  constructor(query: UsageQuery, windows: readonly TimeWindow[]) {
    this.#windows = windows;
    this.#groupOf = queryGrouping(query);
    this.#maxMs = (query.meter.session?.maxSeconds ?? 0) * 1000;
  }

  add({ subject, timeMs, contribution: { dims, session } }: CountedEvent): void {
    if (session === undefined) return;
    if ('durationMs' in session) {
      this.#keep(subject, { dims, fromMs: timeMs, toMs: timeMs + session.durationMs });
      return;
    }
    if (subject !== this.#subject) this.#finishSubject();
    this.#subject = subject;
    const mark = { phase: session.phase, atMs: timeMs, dims };
    const marks = this.#marks.get(session.id);
    if (marks === undefined) this.#marks.set(session.id, [mark]);
    else marks.push(mark);
  }

  /** Windows in which a session was open or began; `events` are the sessions that began. */
  rows(): WindowValue[] {
    this.#finishSubject();
    const entries = this.#groups.entries().map(({ group, value: sessions }) => {
      const began = this.#windows.map(() => 0);
      for (const { fromMs } of sessions) {
        const index = windowIndexAt(this.#windows, fromMs);
        if (index >= 0 && index < began.length) began[index] = (began[index] ?? 0) + 1;
      }
      return { group, began, peaks: peakConcurrency(sessions, this.#windows) };
    });
    return this.#windows.flatMap(({ fromMs }, index) =>
      entries.flatMap(({ group, began, peaks }): WindowValue[] => {
        const row = { fromMs, ...group, value: BigInt(peaks[index] ?? 0) * ONE, events: began[index] ?? 0 };
        return row.value === 0n && row.events === 0 ? [] : [row];
      }),
    );
  }

  #finishSubject(): void {
    for (const marks of this.#marks.values()) {
      for (const session of sessionsOf(marks, this.#maxMs)) this.#keep(this.#subject ?? '', session);
    }
    this.#marks = new Map();
  }

  /** Only sessions that reach into the range are of interest. */
  #keep(subject: string, { dims, fromMs, toMs }: Session): void {
    const group = this.#groupOf(subject, dims);
    const startsMs = this.#windows[0]?.fromMs ?? 0;
    if (group !== null && toMs >= startsMs) this.#groups.of(group).push({ fromMs, toMs });
  }
}
