import { hash } from 'node:crypto';
import { formatQuantity, type Aggregation, type Contribution } from '@meterline/domain/meters';
import { RowBatch } from './row-batch.ts';

const MINUTE_MS = 60_000;

/** Where a contribution goes: one series, one minute. */
export interface DeltaTarget {
  readonly tenant: string;
  readonly meter: string;
  readonly aggregation: Aggregation;
  readonly subject: string;
  /** 0, or the backfill that counted the event. */
  readonly origin: number;
}

interface Delta {
  readonly target: DeltaTarget;
  readonly minuteSeconds: number;
  readonly dims: readonly string[];
  gross: number;
  voids: number;
  value: bigint;
  latestAtMs: number;
  latestOffset: number;
  uniques: Set<string> | null;
}

/** Folds contributions into one row per (series, minute). The rows depend only on what was added, not on when or how often. */
export class Deltas {
  readonly #byMeter = new Map<string, Map<string, Delta>>();

  add(target: DeltaTarget, event: { timeMs: number; offset: number }, contribution: Contribution): void {
    const delta = this.#deltaOf(target, event.timeMs, contribution.dims);
    const first = delta.gross === 0;
    delta.gross += 1;
    switch (target.aggregation) {
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
  withdraw(target: DeltaTarget, timeMs: number, contribution: Contribution): void {
    const delta = this.#deltaOf(target, timeMs, contribution.dims);
    delta.voids += 1;
    if (target.aggregation === 'sum') delta.value -= contribution.value;
  }

  /** `writer`: whether `start` is the start of a segment or of a chunk of a backfill. */
  rows(partition: number, start: number, writer: 'segment' | 'backfill'): RowBatch {
    const batch = new RowBatch();
    for (const deltas of this.#byMeter.values()) {
      for (const delta of deltas.values()) {
        const fields = fieldsOf(delta, `"${writer}",${partition},${start}`);
        const rowHash = hash('sha256', fields, 'hex').slice(0, 16);
        batch.add(`[${fields},"${rowHash}"]`, rowHash);
      }
    }
    return batch;
  }

  #deltaOf(target: DeltaTarget, timeMs: number, dims: readonly string[]): Delta {
    const minuteSeconds = Math.floor(timeMs / MINUTE_MS) * 60;
    const series = `${target.origin}\0${target.tenant}\0${target.meter}`;
    let ofMeter = this.#byMeter.get(series);
    if (ofMeter === undefined) this.#byMeter.set(series, (ofMeter = new Map<string, Delta>()));
    const key = `${target.subject}\0${minuteSeconds}\0${dims.join('\u001f')}`;
    let delta = ofMeter.get(key);
    if (delta === undefined) {
      delta = { target, minuteSeconds, dims, gross: 0, voids: 0, value: 0n, latestAtMs: 0, latestOffset: 0, uniques: null };
      ofMeter.set(key, delta);
    }
    return delta;
  }
}

/** The row's columns in the order of the table, without its hash. */
function fieldsOf(
  { target, minuteSeconds, dims, gross, voids, value, latestAtMs, latestOffset, uniques }: Delta,
  place: string,
): string {
  const { tenant, meter, aggregation, subject, origin } = target;
  const series = `${JSON.stringify(tenant)},"${meter}","${aggregation}",${JSON.stringify(subject)},${minuteSeconds},${JSON.stringify(dims)}`;
  const keys = uniques === null ? '[]' : JSON.stringify([...uniques].sort());
  return `${series},${origin},${place},${gross},${voids},"${formatQuantity(value)}",${latestAtMs},${latestOffset},${keys}`;
}

function isLater(event: { timeMs: number; offset: number }, delta: Delta): boolean {
  return event.timeMs > delta.latestAtMs || (event.timeMs === delta.latestAtMs && event.offset > delta.latestOffset);
}

/** Values are kept as 128-bit hashes: exact for all practical purposes, and of one size however long the value is. */
export function uniqueKey(value: string): string {
  return hash('sha256', value, 'base64url').slice(0, 22);
}
