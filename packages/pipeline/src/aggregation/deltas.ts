import { hash } from 'node:crypto';
import { storedAggregation, type Contribution, type Meter, type StoredAggregation } from '@meterline/domain/meters';
import { RowBatch } from './row-batch.ts';
import { addDeltaRow, type DeltaSeries } from './usage-rows.ts';

const MINUTE_MS = 60_000;
const NO_UNIQUES: readonly string[] = [];

type DeltaMeter = Pick<Meter, 'tenant' | 'key' | 'aggregation' | 'level'>;

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

/** Folds contributions to one meter into one row per (subject, dimensions, minute); into none for a meter that keeps nothing. */
export class MeterDeltas {
  readonly #meter: DeltaMeter;
  readonly #stored: StoredAggregation | null;
  readonly #origin: number;
  /** By minute, then by subject and dimensions. */
  readonly #byMinute = new Map<number, Map<string, Delta>>();

  constructor(meter: DeltaMeter, origin: number) {
    this.#meter = meter;
    this.#stored = storedAggregation(meter);
    this.#origin = origin;
  }

  add(event: DeltaEvent, contribution: Contribution): void {
    if (this.#stored === null) return;
    const delta = this.#deltaOf(event, contribution.dims);
    const first = delta.gross === 0;
    delta.gross += 1;
    switch (this.#stored) {
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
        if (first || isLater(event, contribution.value, delta)) {
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
    if (this.#stored === null) return;
    const delta = this.#deltaOf(event, contribution.dims);
    delta.voids += 1;
    if (this.#stored === 'sum') delta.value -= contribution.value;
  }

  writeTo(batch: RowBatch, writer: Pick<DeltaSeries, 'writer' | 'partition' | 'start'>): void {
    const { tenant, key } = this.#meter;
    if (this.#stored === null) return;
    const series = { tenant, meter: key, aggregation: this.#stored, origin: this.#origin, ...writer };
    for (const deltas of this.#byMinute.values()) {
      for (const delta of deltas.values()) {
        const uniques = delta.uniques === null ? NO_UNIQUES : [...delta.uniques].sort();
        addDeltaRow(batch, series, { ...delta, uniques });
      }
    }
  }

  #deltaOf({ subject, timeMs }: DeltaEvent, dims: readonly string[]): Delta {
    const minuteSeconds = Math.floor(timeMs / MINUTE_MS) * 60;
    let deltas = this.#byMinute.get(minuteSeconds);
    if (deltas === undefined) this.#byMinute.set(minuteSeconds, (deltas = new Map<string, Delta>()));
    const key = dims.length === 0 ? subject : `${subject}\0${dims.join('\u001f')}`;
    let delta = deltas.get(key);
    if (delta === undefined) {
      delta = { subject, minuteSeconds, dims, gross: 0, voids: 0, value: 0n, latestAtMs: 0, latestOffset: 0, uniques: null };
      deltas.set(key, delta);
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
      for (const deltas of meters.values()) deltas.writeTo(batch, { writer, partition, start });
    }
    return batch;
  }
}

/** Of several at one instant the largest value is the latest: offsets and partitions say nothing of events, and change when the log is moved. */
function isLater({ timeMs, offset }: DeltaEvent, value: bigint, latest: Delta): boolean {
  if (timeMs !== latest.latestAtMs) return timeMs > latest.latestAtMs;
  return value === latest.value ? offset > latest.latestOffset : value > latest.value;
}

/** Values are kept as 128-bit hashes: exact for all practical purposes, and of one size however long the value is. */
export function uniqueKey(value: string): string {
  return hash('sha256', value, 'base64url').slice(0, 22);
}
