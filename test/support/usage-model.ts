import { Decimal } from 'decimal.js';
import type { Meter } from '@meterline/domain/meters';
import type { TestEvent } from './pipeline.ts';

type ModelRecord = TestEvent & { readonly kind?: 'event' | 'void' | 'replace' };

interface ModelRow {
  readonly windowFromMs: number;
  readonly subject: string;
  readonly media: string;
  readonly value: string;
  readonly events: number;
}

/** Deterministic randomness (mulberry32), so that a failing run can be repeated. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const content = (event: ModelRecord): string => JSON.stringify([event.id, event.type, event.subject, event.time, event.data]);

/** Which events count in the end, told without anything of the real pipeline: first one wins, void takes away, replace stands in. */
function effectiveEvents(records: readonly ModelRecord[], nowMs: number): { event: ModelRecord; order: number }[] {
  const byId = new Map<string, { contents: Set<string>; now: { event: ModelRecord; order: number } | null }>();
  for (const [order, record] of records.entries()) {
    const known = byId.get(record.id);
    if (record.kind === 'void') {
      if (known) known.now = null;
      continue;
    }
    const value = String(record.data?.['value']);
    const hopeless = !/^[-+]?\d+(\.\d+)?(e[-+]?\d+)?$/.test(value);
    if (record.kind === 'replace') {
      if (known && !hopeless && !(known.now && content(known.now.event) === content({ ...record, kind: 'event' })))
        known.now = { event: record, order };
      continue;
    }
    if (known || hopeless || Date.parse(record.time ?? '') < nowMs - 35 * 86_400_000) continue;
    byId.set(record.id, { contents: new Set([content(record)]), now: { event: record, order } });
  }
  return [...byId.values()].flatMap(({ now }) => (now ? [now] : []));
}

const QUARTER_MS = 900_000;

/** Start of the local hour or day, by asking the calendar what the clock on the wall shows. */
function windowStart(timeMs: number, fromMs: number, window?: { size: 'hour' | 'day'; timezone: string }): number {
  if (!window) return fromMs;
  if (window.size === 'hour') return Math.max(Math.floor(timeMs / 3_600_000) * 3_600_000, fromMs);
  const calendar = new Intl.DateTimeFormat('en-CA', { timeZone: window.timezone });
  const today = calendar.format(timeMs);
  let start = Math.floor(timeMs / QUARTER_MS) * QUARTER_MS;
  while (start > fromMs && calendar.format(start - 1) === today) start -= QUARTER_MS;
  return start;
}

/** Expected usage per meter, subject, `media` dimension and window. Sums by decimal.js. */
export function modelUsage(
  records: readonly ModelRecord[],
  meters: readonly Meter[],
  how: { nowMs: number; fromMs: number; toMs: number; window?: { size: 'hour' | 'day'; timezone: string } },
): Map<string, ModelRow[]> {
  const groups = new Map<string, { event: ModelRecord; order: number }[]>();
  for (const one of effectiveEvents(records, how.nowMs)) {
    const timeMs = Date.parse(one.event.time ?? '');
    if (timeMs < how.fromMs || timeMs >= how.toMs) continue;
    const key = JSON.stringify([
      windowStart(timeMs, how.fromMs, how.window),
      one.event.subject,
      String(one.event.data?.['media']),
    ]);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const rowsOf = (meter: Meter): ModelRow[] => {
    const rows = [...groups].map(([key, events]) => {
      const [windowFromMs, subject, media] = JSON.parse(key) as [number, string, string];
      return { windowFromMs, subject, media, value: valueOf(meter, events.map(({ event }) => event)), events: events.length }; // prettier-ignore
    });
    return rows.sort(
      (a, b) => a.windowFromMs - b.windowFromMs || compareText(a.subject, b.subject) || compareText(a.media, b.media),
    );
  };
  return new Map(meters.map((meter) => [meter.key, rowsOf(meter)]));
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function valueOf({ aggregation }: Meter, events: readonly ModelRecord[]): string {
  const values = events.map(({ data }) => new Decimal(String(data?.['value'])));
  switch (aggregation) {
    case 'count':
      return String(events.length);
    case 'sum':
      return values.reduce((sum, value) => sum.plus(value), new Decimal(0)).toFixed();
    case 'max':
      return Decimal.max(...values).toFixed();
    case 'min':
      return Decimal.min(...values).toFixed();
    case 'unique_count':
      return String(new Set(events.map(({ data }) => data?.['user'])).size);
    case 'latest': {
      const latest = events.reduce((last, event) => (Date.parse(event.time ?? '') >= Date.parse(last.time ?? '') ? event : last));
      return new Decimal(String(latest.data?.['value'])).toFixed();
    }
  }
}
