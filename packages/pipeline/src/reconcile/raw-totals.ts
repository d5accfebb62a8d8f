import { compileMeter, formatQuantity, isMeterRefusal, type CompiledMeter, type Meter } from '@meterline/domain/meters';
import type { TenantEvent } from '../ports/usage-store.ts';
import { counts } from '../usage/recompute.ts';

/** Usage of one meter and subject over all time. */
export interface SubjectTotal {
  readonly events: number;
  readonly value: string;
}

interface Running {
  events: number;
  value: bigint;
  latestMs: number;
  readonly uniques: Set<string>;
}

/** A meter with whether its backfill is complete. */
export interface CountingMeter {
  readonly meter: Meter;
  readonly backfilled: boolean;
}

/** Adds up raw events by meter and subject: the long way, which what readers see is compared with. */
export class RawTotals {
  readonly #byType = new Map<string, { compiled: CompiledMeter; backfilled: boolean }[]>();
  readonly #totals = new Map<Meter, Map<string, Running>>();

  constructor(meters: readonly CountingMeter[]) {
    for (const { meter, backfilled } of meters) {
      const key = `${meter.tenant}\0${meter.eventType}`;
      const list = this.#byType.get(key) ?? [];
      list.push({ compiled: compileMeter(meter), backfilled });
      this.#byType.set(key, list);
      this.#totals.set(meter, new Map());
    }
  }

  add(event: TenantEvent): void {
    const meters = this.#byType.get(`${event.tenant}\0${event.type}`);
    if (meters === undefined) return;
    const { data } = JSON.parse(event.payload) as { data?: unknown };
    for (const { compiled, backfilled } of meters) {
      if (!counts(compiled.meter, event.configVersion, backfilled)) continue;
      const contribution = compiled.contributionOf(data);
      if (contribution === null || isMeterRefusal(contribution)) continue;
      addTo(this.#runningOf(compiled.meter, event.subject), compiled.meter, event, contribution.value, contribution.unique);
    }
  }

  of(meter: Meter): Map<string, SubjectTotal> {
    const totals = [...(this.#totals.get(meter) ?? [])].map(([subject, running]): [string, SubjectTotal] => {
      return [subject, { events: running.events, value: valueOf(meter, running) }];
    });
    return new Map(totals);
  }

  #runningOf(meter: Meter, subject: string): Running {
    const subjects = this.#totals.get(meter) ?? new Map<string, Running>();
    this.#totals.set(meter, subjects);
    let running = subjects.get(subject);
    if (running === undefined) {
      running = { events: 0, value: 0n, latestMs: -1, uniques: new Set() };
      subjects.set(subject, running);
    }
    return running;
  }
}

function addTo(running: Running, { aggregation }: Meter, event: TenantEvent, value: bigint, unique: string | null): void {
  const first = running.events === 0;
  running.events += 1;
  if (aggregation === 'sum') running.value += value;
  if (aggregation === 'max' && (first || value > running.value)) running.value = value;
  if (aggregation === 'min' && (first || value < running.value)) running.value = value;
  if (
    aggregation === 'latest' &&
    (event.timeMs > running.latestMs || (event.timeMs === running.latestMs && value > running.value))
  ) {
    running.value = value;
    running.latestMs = event.timeMs;
  }
  if (unique !== null) running.uniques.add(unique);
}

function valueOf({ aggregation }: Meter, { events, value, uniques }: Running): string {
  if (aggregation === 'count') return String(events);
  return aggregation === 'unique_count' ? String(uniques.size) : formatQuantity(value);
}
