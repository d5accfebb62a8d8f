import { formatQuantity } from '@meterline/domain/meters';
import type { HeldLevel } from '@meterline/domain/subscriptions';
import type { GroupedLevels, UsageQuery } from '../ports/usage-reader.ts';
import { ByGroup, type CountedEvent, type QueryGroup, queryGrouping } from './counted-events.ts';
import { type CarriedLevel, SeriesLevels } from './series-levels.ts';

interface Course {
  /** By instant: by how much the level is higher from then on. */
  readonly changes: Map<number, bigint>;
  events: number;
}

/** How the level of a weighted_sum stands over a range: that of all its series together. Events must come in order of time within their series. */
export class LevelSteps {
  readonly #query: UsageQuery;
  readonly #groupOf: ReturnType<typeof queryGrouping>;
  readonly #series: SeriesLevels;
  readonly #groups = new ByGroup<Course>(() => ({ changes: new Map(), events: 0 }));

  constructor(query: UsageQuery, carried: readonly CarriedLevel[]) {
    this.#query = query;
    this.#groupOf = queryGrouping(query);
    this.#series = new SeriesLevels(query.meter.level?.values ?? 'change', carried);
    for (const { subject, dims, level } of carried) {
      const group = this.#groupOf(subject, dims);
      if (group !== null) rise(this.#groups.of(group), query.fromMs, level);
    }
  }

  add(event: CountedEvent): void {
    const group = this.#groupOf(event.subject, event.contribution.dims);
    if (group === null) return;
    const course = this.#groups.of(group);
    rise(course, event.timeMs, this.#series.changeBy(event));
    course.events += 1;
  }

  rows(): GroupedLevels[] {
    return this.#groups.entries().map(({ group, value: { changes, events } }) => {
      let level = 0n;
      const levels = [...changes]
        .toSorted(([a], [b]) => a - b)
        .map(([fromMs, by]): HeldLevel => {
          level += by;
          return { fromMs, level: formatQuantity(level) };
        });
      return row(this.#query, group, levels, events);
    });
  }
}

function rise({ changes }: Course, atMs: number, by: bigint): void {
  changes.set(atMs, (changes.get(atMs) ?? 0n) + by);
}

/** How the value of a latest stands over a range: that of the last event so far, whichever series it is of; of several at one instant the largest. */
export class LatestSteps {
  readonly #query: UsageQuery;
  readonly #groupOf: ReturnType<typeof queryGrouping>;
  readonly #groups = new ByGroup<{ readonly values: Map<number, bigint>; events: number }>(() => ({
    values: new Map(),
    events: 0,
  }));

  /** `carried`: the latest value of each group before the range. */
  constructor(query: UsageQuery, carried: readonly (QueryGroup & { readonly value: bigint })[]) {
    this.#query = query;
    this.#groupOf = queryGrouping(query);
    for (const { value, ...group } of carried) this.#groups.of(group).values.set(-Infinity, value);
  }

  add({ subject, timeMs, contribution: { dims, value } }: CountedEvent): void {
    const group = this.#groupOf(subject, dims);
    if (group === null) return;
    const latest = this.#groups.of(group);
    const known = latest.values.get(timeMs);
    if (known === undefined || value > known) latest.values.set(timeMs, value);
    latest.events += 1;
  }

  rows(): GroupedLevels[] {
    const { fromMs: startMs } = this.#query;
    return this.#groups.entries().map(({ group, value: { values, events } }) => {
      const levels = [...values].toSorted(([a], [b]) => a - b);
      const held = levels.map(([fromMs, value]): HeldLevel => ({
        fromMs: Math.max(fromMs, startMs),
        level: formatQuantity(value),
      }));
      return row(this.#query, group, held, events);
    });
  }
}

function row(
  { bySubject, groupBy = [] }: UsageQuery,
  group: QueryGroup,
  levels: readonly HeldLevel[],
  events: number,
): GroupedLevels {
  return {
    subject: bySubject === true ? group.subject : null,
    group: Object.fromEntries(groupBy.map((name, index) => [name, group.groups[index] ?? ''])),
    levels,
    events,
  };
}
