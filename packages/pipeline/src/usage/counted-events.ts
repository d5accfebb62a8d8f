import { compileMeter, dimensionNames, isMeterRefusal, type Contribution, type Meter } from '@meterline/domain/meters';
import type { UsageQuery } from '../ports/usage-reader.ts';
import type { StoredEvent } from '../ports/usage-store.ts';
import { counts } from './recompute.ts';

/** A stored event that a meter counts. */
export interface CountedEvent {
  readonly subject: string;
  readonly timeMs: number;
  readonly contribution: Contribution;
}

/** Reads stored events (no withdrawn ones) as the meter counts them, in their order; what it refuses or does not count is left out. */
export function eventCounter(meter: Meter, backfilled: boolean): (stored: readonly StoredEvent[]) => CountedEvent[] {
  const { contributionOf } = compileMeter(meter);
  return (stored) =>
    stored.flatMap(({ configVersion, payload, timeMs }) => {
      if (!counts(meter, configVersion, backfilled)) return [];
      const { subject, data } = JSON.parse(payload) as { subject: string; data?: unknown };
      const contribution = contributionOf(data);
      return contribution === null || isMeterRefusal(contribution) ? [] : [{ subject, timeMs, contribution }];
    });
}

/** Where a query puts usage of a subject and dimensions. */
export interface QueryGroup {
  /** '' unless the query asks by subject. */
  readonly subject: string;
  readonly groups: readonly string[];
}

/** The group of a series in the query's answer, or null if its filter leaves it out. */
export function queryGrouping(query: UsageQuery): (subject: string, dims: readonly string[]) => QueryGroup | null {
  const names = dimensionNames(query.meter);
  const filters = Object.entries(query.filter ?? {}).map(([name, accepted]) => ({
    at: names.indexOf(name),
    accepted: new Set(accepted),
  }));
  const places = (query.groupBy ?? []).map((name) => names.indexOf(name));
  return (subject, dims) => {
    if (filters.some(({ at, accepted }) => !accepted.has(dims[at] ?? ''))) return null;
    return { subject: query.bySubject === true ? subject : '', groups: places.map((at) => dims[at] ?? '') };
  };
}

/** One value for each group, made when it is first asked for. */
export class ByGroup<Value> {
  readonly #values = new Map<string, { group: QueryGroup; value: Value }>();
  readonly #make: () => Value;

  constructor(make: () => Value) {
    this.#make = make;
  }

  of(group: QueryGroup): Value {
    const key = JSON.stringify([group.subject, group.groups]);
    let known = this.#values.get(key);
    if (known === undefined) this.#values.set(key, (known = { group, value: this.#make() }));
    return known.value;
  }

  /** In the order of subjects and groups. */
  entries(): { group: QueryGroup; value: Value }[] {
    return [...this.#values.values()].toSorted((a, b) => compareGroups(a.group, b.group));
  }
}

export function compareGroups(a: QueryGroup, b: QueryGroup): number {
  const byGroups = a.groups.map((text, index) => compareText(text, b.groups[index] ?? ''));
  return compareText(a.subject, b.subject) || byGroups.find((order) => order !== 0) || 0;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
