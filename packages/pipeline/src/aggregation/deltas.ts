import { hash } from 'node:crypto';
import { formatQuantity, type Aggregation, type Contribution } from '@meterline/domain/meters';
import { RowBatch } from './row-batch.ts';

const MINUTE_MS = 60_000;
const NO_UNIQUES: ReadonlySet<string> = new Set();

/** Where a contribution goes: one series, one minute. */
export interface DeltaTarget {
  readonly tenant: string;
  readonly meter: string;
  readonly aggregation: Aggregation;
  readonly subject: string;
  /** 0, or the backfill that counted the event. */
  readonly origin: number;
}

interface Delta extends DeltaTarget {
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
  readonly #byKey = new Map<string, Delta>();

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
    for (const delta of this.#byKey.values()) {
      const fields = [
        JSON.stringify(delta.tenant),
        JSON.stringify(delta.meter),
        `"${delta.aggregation}"`,
        JSON.stringify(delta.subject),
        delta.minuteSeconds,
        JSON.stringify(delta.dims),
        delta.origin,
        `"${writer}"`,
        partition,
        start,
        delta.gross,
        delta.voids,
        `"${formatQuantity(delta.value)}"`,
        delta.latestAtMs,
        delta.latestOffset,
        JSON.stringify([...(delta.uniques ?? NO_UNIQUES)].sort()),
      ].join(',');
      const rowHash = hash('sha256', fields, 'hex').slice(0, 16);
      batch.add(`[${fields},"${rowHash}"]`, rowHash);
    }
    return batch;
  }

  #deltaOf(target: DeltaTarget, timeMs: number, dims: readonly string[]): Delta {
    const minuteSeconds = Math.floor(timeMs / MINUTE_MS) * 60;
    const key = `${target.origin}\0${minuteSeconds}\0${target.tenant}\0${target.meter}\0${target.subject}\0${dims.join('\u001f')}`;
    let delta = this.#byKey.get(key);
    if (delta === undefined) {
      const { tenant, meter, aggregation, subject, origin } = target;
      const nothing = { gross: 0, voids: 0, value: 0n, latestAtMs: 0, latestOffset: 0, uniques: null };
      delta = { tenant, meter, aggregation, subject, origin, minuteSeconds, dims, ...nothing };
      this.#byKey.set(key, delta);
    }
    return delta;
  }
}

function isLater(event: { timeMs: number; offset: number }, delta: Delta): boolean {
  return event.timeMs > delta.latestAtMs || (event.timeMs === delta.latestAtMs && event.offset > delta.latestOffset);
}

/** Values are kept as 128-bit hashes: exact for all practical purposes, and of one size however long the value is. */
export function uniqueKey(value: string): string {
  return hash('sha256', value, 'base64url').slice(0, 22);
}
