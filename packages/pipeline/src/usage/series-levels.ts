import type { LevelTerms } from '@meterline/domain/meters';
import type { CountedEvent } from './counted-events.ts';

/** The level of a series when a range begins. */
export interface CarriedLevel {
  readonly subject: string;
  /** Every dimension of the meter. */
  readonly dims: readonly string[];
  readonly level: bigint;
}

/**
 * By how much events change the level of their series (its subject and dimensions). Levels that they state must come in order of time within the
 * series; of several at one instant the largest stands, as for `latest`.
 */
export class SeriesLevels {
  readonly #values: LevelTerms['values'];
  /** The level that an event replaces, and since when it holds; null for one held from before. */
  readonly #levels = new Map<string, { readonly level: bigint; readonly sinceMs: number | null }>();

  constructor(values: LevelTerms['values'], carried: readonly CarriedLevel[]) {
    this.#values = values;
    if (values !== 'absolute') return;
    for (const { subject, dims, level } of carried) this.#levels.set(seriesKey(subject, dims), { level, sinceMs: null });
  }

  changeBy({ subject, timeMs, contribution: { dims, value } }: CountedEvent): bigint {
    if (this.#values === 'change') return value;
    const series = seriesKey(subject, dims);
    const { level, sinceMs } = this.#levels.get(series) ?? { level: 0n, sinceMs: null };
    if (sinceMs === timeMs && value < level) return 0n;
    this.#levels.set(series, { level: value, sinceMs: timeMs });
    return value - level;
  }
}

function seriesKey(subject: string, dims: readonly string[]): string {
  return JSON.stringify([subject, dims]);
}
