import {
  compileMeter,
  formatQuantity,
  isMeterRefusal,
  storedAggregation,
  type Contribution,
  type Meter,
} from '@meterline/domain/meters';
import { uniqueKey } from '../aggregation/deltas.ts';
import type { StoredEvent } from '../ports/usage-store.ts';

/** Usage of one series in one minute, from raw events. */
export interface RecomputedRow {
  readonly minuteSeconds: number;
  readonly subject: string;
  readonly dims: readonly string[];
  readonly events: number;
  /** Sum, extreme or latest value, as decimal text. */
  readonly value: string;
  readonly latestAtMs: number;
  readonly latestOffset: number;
  readonly partition: number;
  readonly uniques: readonly string[];
}

interface Counted {
  readonly event: StoredEvent;
  readonly subject: string;
  readonly contribution: Contribution;
}

/**
 * Whether a meter counts an event read with this configuration version, given whether its backfill is complete. What is read from stored events
 * alone counts those from before the meter as they are.
 */
export function counts(meter: Meter, eventConfig: number, backfilled: boolean): boolean {
  if (meter.archivedVersion !== null && eventConfig >= meter.archivedVersion) return false;
  return eventConfig >= meter.createdVersion || backfilled || storedAggregation(meter) === null;
}

/**
 * What a meter makes of stored events, leaving out those that a void among them withdraws. Give all rows of the wanted places below one cut:
 * a void lies beside what it withdraws. Max, min, latest and unique_count cannot take an event back, so this is how they lose one.
 */
export function recompute(meter: Meter, backfilled: boolean, stored: readonly StoredEvent[]): RecomputedRow[] {
  const { contributionOf } = compileMeter(meter);
  const withdrawn = new Set(
    stored.filter(({ kind }) => kind === 'void').map(({ partition, targetOffset }) => `${partition}:${targetOffset}`),
  );
  const series = new Map<string, Counted[]>();
  for (const event of stored) {
    if (event.kind !== 'event' || withdrawn.has(`${event.partition}:${event.offset}`)) continue;
    if (!counts(meter, event.configVersion, backfilled)) continue;
    const fields = JSON.parse(event.payload) as { subject: string; data?: unknown };
    const contribution = contributionOf(fields.data);
    if (contribution === null || isMeterRefusal(contribution)) continue;
    const key = JSON.stringify([minuteOf(event), fields.subject, contribution.dims]);
    const counted = { event, subject: fields.subject, contribution };
    const those = series.get(key);
    if (those === undefined) series.set(key, [counted]);
    else those.push(counted);
  }
  return [...series.values()].flatMap((counted) => rowOf(meter, counted));
}

function rowOf(meter: Meter, counted: readonly Counted[]): RecomputedRow[] {
  const [first] = counted;
  if (first === undefined) return [];
  const last = counted.reduce((latest, one) => (isLater(one, latest) ? one : latest));
  const values = counted.map(({ contribution }) => contribution.value);
  const uniques = counted.flatMap(({ contribution }) => (contribution.unique === null ? [] : [uniqueKey(contribution.unique)]));
  return [
    {
      minuteSeconds: minuteOf(first.event),
      subject: first.subject,
      dims: first.contribution.dims,
      events: counted.length,
      value: formatQuantity(fold(meter, values, last.contribution.value)),
      latestAtMs: last.event.timeMs,
      latestOffset: last.event.offset,
      partition: last.event.partition,
      uniques: [...new Set(uniques)].sort(),
    },
  ];
}

function fold(meter: Meter, values: readonly bigint[], latest: bigint): bigint {
  switch (storedAggregation(meter)) {
    case 'sum':
      return values.reduce((sum, value) => sum + value, 0n);
    case 'max':
      return values.reduce((most, value) => (value > most ? value : most));
    case 'min':
      return values.reduce((least, value) => (value < least ? value : least));
    case 'latest':
      return latest;
    case 'count':
    case 'unique_count':
    case null:
      return 0n;
  }
}

function minuteOf({ timeMs }: StoredEvent): number {
  return Math.floor(timeMs / 60_000) * 60;
}

/** Ties at one instant go to the larger value, as in the usage store. */
function isLater(a: Counted, b: Counted): boolean {
  return a.event.timeMs === b.event.timeMs ? a.contribution.value > b.contribution.value : a.event.timeMs > b.event.timeMs;
}
