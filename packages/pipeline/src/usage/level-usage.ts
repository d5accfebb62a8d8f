import { LevelIntegral, type LevelTerms, windowIndexAt } from '@meterline/domain/meters';
import type { TimeWindow } from '@meterline/domain/time';
import type { UsageQuery } from '../ports/usage-reader.ts';
import { ByGroup, type CountedEvent, queryGrouping } from './counted-events.ts';
import type { WindowValue } from './query-windows.ts';
import { type CarriedLevel, SeriesLevels } from './series-levels.ts';

/**
 * Usage of a weighted_sum: levels that were held at the start of the range and go on until they are changed, and the events of the range, which must
 * come in order of time within their series.
 */
export class LevelUsage {
  readonly #windows: readonly TimeWindow[];
  readonly #unit: LevelTerms['unit'];
  readonly #groupOf: ReturnType<typeof queryGrouping>;
  readonly #series: SeriesLevels;
  readonly #groups: ByGroup<{ integral: LevelIntegral; events: number[] }>;

  constructor(query: UsageQuery, windows: readonly TimeWindow[], carried: readonly CarriedLevel[]) {
    this.#windows = windows;
    this.#unit = query.meter.level?.unit ?? 'second';
    this.#groupOf = queryGrouping(query);
    this.#groups = new ByGroup(() => ({ integral: new LevelIntegral(windows), events: windows.map(() => 0) }));
    this.#series = new SeriesLevels(query.meter.level?.values ?? 'change', carried);
    for (const { subject, dims, level } of carried) {
      const group = this.#groupOf(subject, dims);
      if (group !== null) this.#groups.of(group).integral.change(query.fromMs, level);
    }
  }

  add(event: CountedEvent): void {
    const { subject, timeMs, contribution } = event;
    const group = this.#groupOf(subject, contribution.dims);
    if (group === null) return;
    const { integral, events } = this.#groups.of(group);
    integral.change(timeMs, this.#series.changeBy(event));
    const window = windowIndexAt(this.#windows, timeMs);
    events[window] = (events[window] ?? 0) + 1;
  }

  /** Windows in which there was a level, or an event. */
  rows(): WindowValue[] {
    const entries = this.#groups.entries().map(({ group, value: { integral, events } }) => {
      return { group, events, amounts: integral.amounts(this.#unit) };
    });
    return this.#windows.flatMap(({ fromMs }, index) =>
      entries.flatMap(({ group, events, amounts }): WindowValue[] => {
        const row = { fromMs, ...group, value: amounts[index] ?? 0n, events: events[index] ?? 0 };
        return row.value === 0n && row.events === 0 ? [] : [row];
      }),
    );
  }
}
