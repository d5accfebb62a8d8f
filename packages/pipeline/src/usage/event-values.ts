import type { EventValue } from '@meterline/domain/rating';
import { formatQuantity, type Meter } from '@meterline/domain/meters';
import type { GroupedEventValues, UsageQuery } from '../ports/usage-reader.ts';
import { ByGroup, type CountedEvent, queryGrouping } from './counted-events.ts';

const ONE = 10n ** 12n;

/** Counts events by their value: of a count each is 1. */
export class EventValues {
  readonly #query: UsageQuery;
  readonly #groupOf: ReturnType<typeof queryGrouping>;
  readonly #groups = new ByGroup<Map<bigint, number>>(() => new Map<bigint, number>());

  constructor(query: UsageQuery) {
    this.#query = query;
    this.#groupOf = queryGrouping(query);
  }

  add({ subject, contribution: { dims, value } }: CountedEvent): void {
    const group = this.#groupOf(subject, dims);
    if (group === null) return;
    const values = this.#groups.of(group);
    const own = this.#query.meter.aggregation === 'count' ? ONE : value;
    values.set(own, (values.get(own) ?? 0) + 1);
  }

  rows(): GroupedEventValues[] {
    const { bySubject, groupBy = [] } = this.#query;
    return this.#groups.entries().map(({ group, value: values }) => ({
      subject: bySubject === true ? group.subject : null,
      group: Object.fromEntries(groupBy.map((name, index) => [name, group.groups[index] ?? ''])),
      values: [...values]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([value, events]): EventValue => ({ value: formatQuantity(value), events })),
    }));
  }
}

/** Whether single events of the meter have values that its usage is made of. */
export function hasEventValues({ aggregation, fold }: Pick<Meter, 'aggregation' | 'fold'>): boolean {
  return fold === undefined && (aggregation === 'count' || aggregation === 'sum');
}
