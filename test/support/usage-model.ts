import { levelRows, rounded, sessionRows, timeOf } from './time-model.ts';
import { Decimal } from 'decimal.js';
import type { Meter } from '@meterline/domain/meters';
import { effectiveEvents, type ModelEvent, type ModelRecord, type ModelRow } from './model-events.ts';

export interface ModelWindow {
  readonly size: '5_minutes' | 'hour' | 'day';
  readonly timezone: string;
}

export interface ModelQuestion {
  readonly nowMs: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly window?: ModelWindow;
  /** By subject and media, unless false. */
  readonly split?: boolean;
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

const FIVE_MINUTES_MS = 300_000;
const labels = new Map<string, Intl.DateTimeFormat>();
const starts = new Map<string, number>();

/** What the clock on the wall and the calendar show, down to the window's size. */
function label(timeMs: number, { size, timezone }: ModelWindow): string {
  const key = `${size} ${timezone}`;
  const hour = size === 'hour' ? ({ hour: 'numeric', hourCycle: 'h23' } as const) : {};
  const day = { year: 'numeric', month: 'numeric', day: 'numeric' } as const;
  const format = labels.get(key) ?? new Intl.DateTimeFormat('en-CA', { timeZone: timezone, ...day, ...hour });
  labels.set(key, format);
  return format.format(timeMs);
}

/** Start of the local hour or day, by going back until the label changes. */
function windowStart(timeMs: number, fromMs: number, window?: ModelWindow): number {
  if (!window) return fromMs;
  const at = Math.floor(timeMs / FIVE_MINUTES_MS) * FIVE_MINUTES_MS;
  if (window.size === '5_minutes') return Math.max(at, fromMs);
  const key = `${at} ${fromMs} ${window.size} ${window.timezone}`;
  let start = starts.get(key);
  if (start === undefined) {
    const before = at - FIVE_MINUTES_MS;
    start = at <= fromMs || label(before, window) !== label(at, window) ? at : windowStart(before, fromMs, window);
    starts.set(key, start);
  }
  return start;
}

/** Starts of all windows of the range, by walking through it. */
function windowStarts({ fromMs, toMs, window }: ModelQuestion): number[] {
  const all = new Set<number>();
  for (let ms = fromMs; ms < toMs; ms += FIVE_MINUTES_MS) all.add(windowStart(ms, fromMs, window));
  return [...all];
}

/** Expected usage per meter, window and, if split, subject and `media` dimension. Arithmetic by decimal.js. */
export function modelUsage(
  records: readonly ModelRecord[],
  meters: readonly Meter[],
  how: ModelQuestion,
): Map<string, ModelRow[]> {
  const events = effectiveEvents(records, how.nowMs);
  return new Map(meters.map((meter) => [meter.key, rowsOf(meter, events, how).toSorted(inOrder)]));
}

function rowsOf(meter: Meter, events: readonly ModelEvent[], how: ModelQuestion): ModelRow[] {
  if (meter.fold !== undefined) return foldedRows(meter, events, how);
  const seriesOf = ({ event }: ModelEvent) =>
    how.split === false ? ['', ''] : [event.subject ?? '', String(event.data?.['media'])];
  const starts = windowStarts(how);
  const windows = starts.map((fromMs, index) => ({ fromMs, toMs: starts[index + 1] ?? how.toMs }));
  if (meter.aggregation === 'weighted_sum')
    return levelRows(
      meter,
      Map.groupBy(events, (one) => JSON.stringify(seriesOf(one))),
      windows,
    );
  if (meter.aggregation === 'peak_concurrency') return sessionRows(meter, events, windows, how.split !== false);
  const within = events.filter(({ event }) => timeOf(event) >= how.fromMs && timeOf(event) < how.toMs);
  const groups = Map.groupBy(within, (one) =>
    JSON.stringify([windowStart(timeOf(one.event), how.fromMs, how.window), ...seriesOf(one)]),
  );
  return [...groups].map(([key, those]) => {
    const [windowFromMs, subject, media] = JSON.parse(key) as [number, string, string];
    return { windowFromMs, subject, media, value: valueOf(meter, those.map(({ event }) => event)), events: those.length }; // prettier-ignore
  });
}

/** Every window of the fold is listed, the empty ones as zeros, and the list is folded. */
function foldedRows({ fold, ...meter }: Meter, events: readonly ModelEvent[], how: ModelQuestion): ModelRow[] {
  if (fold === undefined || fold.window === 'month' || fold.window === 'minute' || fold.window === '15_minutes')
    throw new Error('not modelled');
  const window = { size: fold.window, timezone: how.window?.timezone ?? 'UTC' };
  const outer = (ms: number) => windowStart(ms, how.fromMs, how.window);
  const all = Map.groupBy(windowStarts({ ...how, window }), outer);
  const rows = rowsOf(meter, events, { ...how, window });
  return [...Map.groupBy(rows, (row) => JSON.stringify([outer(row.windowFromMs), row.subject, row.media])).values()].map(
    (those) => {
      const [{ windowFromMs, subject, media }] = those as [ModelRow];
      const used = those.map(({ value }) => new Decimal(value));
      const empty = fold.emptyWindows === 'zero' ? (all.get(outer(windowFromMs))?.length ?? 0) - used.length : 0;
      const list = [...used, ...Array.from({ length: empty }, () => new Decimal(0))].toSorted((a, b) => a.comparedTo(b));
      const total = list.reduce((sum, value) => sum.plus(value), new Decimal(0));
      const rank = new Decimal(fold.percentile ?? 0).times(list.length).div(100).ceil().toNumber();
      const value = { max: Decimal.max(...used), sum: total, average: total.div(list.length), percentile: list[rank - 1] }[
        fold.take
      ];
      return {
        windowFromMs: outer(windowFromMs),
        subject,
        media,
        value: rounded(value ?? new Decimal(0)),
        events: those.reduce((sum, row) => sum + row.events, 0),
      };
    },
  );
}

function inOrder(a: ModelRow, b: ModelRow): number {
  return a.windowFromMs - b.windowFromMs || compareText(a.subject, b.subject) || compareText(a.media, b.media);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function valueOf({ aggregation }: Meter, events: readonly ModelRecord[]): string {
  const values = events.map(({ data }) => new Decimal(String(data?.['value'])));
  const sum = values.reduce((total, value) => total.plus(value), new Decimal(0));
  switch (aggregation) {
    case 'count':
      return String(events.length);
    case 'sum':
      return sum.toFixed();
    case 'average':
      return rounded(sum.div(events.length));
    case 'max':
      return Decimal.max(...values).toFixed();
    case 'min':
      return Decimal.min(...values).toFixed();
    case 'unique_count':
      return String(new Set(events.map(({ data }) => data?.['user'])).size);
    case 'latest': {
      const lastMs = Math.max(...events.map(({ time }) => Date.parse(time ?? '')));
      return Decimal.max(...values.filter((_, at) => Date.parse(events[at]?.time ?? '') === lastMs)).toFixed();
    }
    case 'weighted_sum':
    case 'peak_concurrency':
      throw new Error(`${aggregation} is told by its own model`);
  }
}
