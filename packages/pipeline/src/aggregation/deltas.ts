import { hash } from 'node:crypto';
import { formatQuantity, type Aggregation, type Contribution, type Meter } from '@meterline/domain/meters';
import { RowBatch } from './row-batch.ts';

const MINUTE_MS = 60_000;

interface Delta {
  readonly subject: string;
  readonly minuteSeconds: number;
  readonly dims: readonly string[];
  gross: number;
  voids: number;
  value: bigint;
  latestAtMs: number;
  latestOffset: number;
  uniques: Set<string> | null;
}

/** An event as far as deltas look at it. */
export interface DeltaEvent {
  readonly subject: string;
  readonly timeMs: number;
  readonly offset: number;
}

/** Folds contributions to one meter into one row per (subject, dimensions, minute). */
export class MeterDeltas {
  readonly #aggregation: Aggregation;
  readonly #columns: string;
  readonly #origin: number;
  readonly #byKey = new Map<string, Delta>();

  constructor({ tenant, key, aggregation }: Pick<Meter, 'tenant' | 'key' | 'aggregation'>, origin: number) {
    this.#aggregation = aggregation;
    this.#origin = origin;
    this.#columns = `${JSON.stringify(tenant)},${JSON.stringify(key)},"${aggregation}"`;
  }

  add(event: DeltaEvent, contribution: Contribution): void {
    const delta = this.#deltaOf(event, contribution.dims);
    const first = delta.gross === 0;
    delta.gross += 1;
    switch (this.#aggregation) {
      case 'count':
        break;
      case 'sum':
        delta.value += contribution.value;
        break;
      case 'max':
        if (first || contribution.value > delta.value) delta.value = contribution.value;
        break;
      case 'min':
        if (first || contribution.value < delta.value) delta.value = contribution.value;
        break;
      case 'latest':
        if (first || isLater(event, delta)) {
          delta.value = contribution.value;
          delta.latestAtMs = event.timeMs;
          delta.latestOffset = event.offset;
        }
        break;
      case 'unique_count':
        (delta.uniques ??= new Set()).add(uniqueKey(contribution.unique ?? ''));
    }
  }

  /** Withdraws a counted event. Sums go back at once; the other aggregations cannot, so readers recompute such hours from raw events. */
  withdraw(event: DeltaEvent, contribution: Contribution): void {
    const delta = this.#deltaOf(event, contribution.dims);
    delta.voids += 1;
    if (this.#aggregation === 'sum') delta.value -= contribution.value;
  }

  writeTo(batch: RowBatch, place: string): void {
    for (const delta of this.#byKey.values()) {
      const fields = this.#fieldsOf(delta, place);
      const rowHash = hash('sha256', fields, 'hex').slice(0, 16);
      batch.add(`[${fields},"${rowHash}"]`, rowHash);
    }
  }

  /** The row's columns in the order of the table, without its hash. */
  #fieldsOf(
    { subject, minuteSeconds, dims, gross, voids, value, latestAtMs, latestOffset, uniques }: Delta,
    place: string,
  ): string {
    const series = `${this.#columns},${JSON.stringify(subject)},${minuteSeconds},${JSON.stringify(dims)},${this.#origin}`;
    const keys = uniques === null ? '[]' : JSON.stringify([...uniques].sort());
    return `${series},${place},${gross},${voids},"${formatQuantity(value)}",${latestAtMs},${latestOffset},${keys}`;
  }

  #deltaOf({ subject, timeMs }: DeltaEvent, dims: readonly string[]): Delta {
    const minuteSeconds = Math.floor(timeMs / MINUTE_MS) * 60;
    const key = `${minuteSeconds}${subject}\0${dims.join('\u001f')}`;
    let delta = this.#byKey.get(key);
    if (delta === undefined) {
      delta = { subject, minuteSeconds, dims, gross: 0, voids: 0, value: 0n, latestAtMs: 0, latestOffset: 0, uniques: null };
      this.#byKey.set(key, delta);
    }
    return delta;
  }
}

/** Deltas of several meters. The rows depend only on what was added, not on when or how often. */
export class Deltas {
  /** By origin: 0, or the backfill that counted the events. */
  readonly #byOrigin = new Map<number, Map<Meter, MeterDeltas>>();

  of(meter: Meter, origin: number): MeterDeltas {
    let meters = this.#byOrigin.get(origin);
    if (meters === undefined) this.#byOrigin.set(origin, (meters = new Map<Meter, MeterDeltas>()));
    let deltas = meters.get(meter);
    if (deltas === undefined) meters.set(meter, (deltas = new MeterDeltas(meter, origin)));
    return deltas;
  }

  /** `writer`: whether `start` is the start of a segment or of a chunk of a backfill. */
  rows(partition: number, start: number, writer: 'segment' | 'backfill'): RowBatch {
    const batch = new RowBatch();
    for (const meters of this.#byOrigin.values()) {
      for (const deltas of meters.values()) deltas.writeTo(batch, `"${writer}",${partition},${start}`);
    }
    return batch;
  }
}

function isLater(event: DeltaEvent, delta: Delta): boolean {
  return event.timeMs > delta.latestAtMs || (event.timeMs === delta.latestAtMs && event.offset > delta.latestOffset);
}

/** Values are kept as 128-bit hashes: exact for all practical purposes, and of one size however long the value is. */
export function uniqueKey(value: string): string {
  return hash('sha256', value, 'base64url').slice(0, 22);
}
