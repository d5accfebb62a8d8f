import type { CountedEvent } from './model.ts';

/** A billing period of every customer here: a month in UTC, half-open. */
export interface Month {
  readonly fromMs: number;
  readonly toMs: number;
}

export function monthOf(timeMs: number): Month {
  const date = new Date(timeMs);
  const start = (offset: number) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset);
  return { fromMs: start(0), toMs: start(1) };
}

export function within<T extends Pick<CountedEvent, 'timeMs'>>(events: readonly T[], { fromMs, toMs }: Month): T[] {
  return events.filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs);
}
