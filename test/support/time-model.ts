import { Decimal as DefaultDecimal } from 'decimal.js';
import type { Meter } from '@meterline/domain/meters';
import type { ModelEvent, ModelRecord, ModelRow } from './model-events.ts';

/** Levels and sessions, told naively: by asking for every instant at which something happens what there is. */

const Decimal = DefaultDecimal.clone({ precision: 60 });

interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

export function timeOf({ time }: Pick<ModelRecord, 'time'>): number {
  return Date.parse(time ?? '');
}

/** 12 decimals, halves away from zero. */
export function rounded(value: DefaultDecimal): string {
  return value.toDecimalPlaces(12, Decimal.ROUND_HALF_UP).plus(0).toFixed().replace(/^-0$/, '0');
}

const UNIT_MS = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** Usage of a weighted_sum of series that hold all events of a group; a series of `absolute` levels is one subject and media. */
export function levelRows(
  meter: Meter,
  groups: ReadonlyMap<string, readonly ModelEvent[]>,
  windows: readonly Window[],
): ModelRow[] {
  return [...groups].flatMap(([key, events]) => {
    const [subject, media] = JSON.parse(key) as [string, string];
    const series = [...Map.groupBy(events, ({ event }) => `${event.subject} ${String(event.data?.['media'])}`).values()].map(
      levelsAt,
    );
    const instants = events.map(({ event }) => timeOf(event)).toSorted((a, b) => a - b);
    return windows.flatMap(({ fromMs, toMs }): ModelRow[] => {
      const within = instants.filter((ms) => ms >= fromMs && ms < toMs);
      const edges = [...new Set([fromMs, ...within, toMs])];
      let area = new Decimal(0);
      for (const [index, edge] of edges.slice(0, -1).entries()) {
        const level = series.reduce((sum, at) => sum.plus(at(edge)), new Decimal(0));
        area = area.plus(level.times((edges[index + 1] ?? 0) - edge));
      }
      const unit = meter.level?.unit ?? 'period';
      const value = rounded(area.div(unit === 'period' ? toMs - fromMs : UNIT_MS[unit]));
      return value === '0' && within.length === 0 ? [] : [{ windowFromMs: fromMs, subject, media, value, events: within.length }];
    });
  });

  function levelsAt(events: readonly ModelEvent[]): (ms: number) => DefaultDecimal {
    const valueOf = ({ event }: ModelEvent) => new Decimal(String(event.data?.['value']));
    const sorted = events.toSorted((a, b) => timeOf(a.event) - timeOf(b.event) || valueOf(a).comparedTo(valueOf(b)));
    return (ms) => {
      const values = sorted.filter(({ event }) => timeOf(event) <= ms).map(valueOf);
      if (meter.level?.values === 'absolute') return values.at(-1) ?? new Decimal(0);
      return values.reduce((sum, value) => sum.plus(value), new Decimal(0));
    };
  }
}

/** Usage of a peak_concurrency whose events have `session`, `phase` and `media`. */
export function sessionRows(meter: Meter, events: readonly ModelEvent[], windows: readonly Window[], split: boolean): ModelRow[] {
  const maxMs = (meter.session?.maxSeconds ?? 0) * 1000;
  const marks = events.map(({ event }) => ({
    subject: event.subject ?? '',
    id: `${event.subject} ${String(event.data?.['session'])}`,
    atMs: timeOf(event),
    phase: event.data?.['phase'],
    media: String(event.data?.['media']),
  }));
  const byId = [...Map.groupBy(marks, ({ id }) => id).values()];
  const places = split
    ? [...new Map(marks.map(({ subject, media }) => [`${subject} ${media}`, { subject, media }])).values()]
    : [{ subject: '', media: '' }];

  /** The media of an open session, by its last instant at or before `ms` (before, if `strictly`) that decides anything. */
  function openMedia(own: typeof marks, ms: number, strictly = false): string | null {
    const decisive = [...Map.groupBy(own, ({ atMs }) => atMs)]
      .filter(([atMs]) => (strictly ? atMs < ms : atMs <= ms))
      .filter(([, those]) => new Set(those.map(({ phase }) => phase)).size === 1)
      .toSorted(([a], [b]) => b - a);
    const [last] = decisive;
    if (last === undefined || last[1][0]?.phase !== 'join' || ms >= last[0] + maxMs) return null;
    return last[1].map(({ media }) => media).toSorted()[0] ?? null;
  }

  return windows.flatMap((window) =>
    places.flatMap(({ subject, media }): ModelRow[] => {
      const sessions = byId.filter(([one]) => !split || one?.subject === subject);
      const isHere = (own: typeof marks, ms: number, strictly = false) => {
        const open = openMedia(own, ms, strictly);
        return open !== null && (!split || open === media);
      };
      const instants = sessions.flat().flatMap(({ atMs }) => (atMs >= window.fromMs && atMs < window.toMs ? [atMs] : []));
      const counts = [...new Set([window.fromMs, ...instants])].map((ms) => sessions.filter((own) => isHere(own, ms)).length);
      const began = sessions.flatMap((own) => {
        const own_ = [...new Set(own.map(({ atMs }) => atMs))].filter((ms) => ms >= window.fromMs && ms < window.toMs);
        return own_.filter((ms) => {
          const now = openMedia(own, ms);
          return isHere(own, ms) && openMedia(own, ms, true) !== now;
        });
      });
      const value = Math.max(...counts);
      if (value === 0 && began.length === 0) return [];
      return [{ windowFromMs: window.fromMs, subject, media, value: String(value), events: began.length }];
    }),
  );
}
