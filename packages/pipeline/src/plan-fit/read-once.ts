import { growsWithTime, lengthenedQuantity, scaledQuantity, scalingOf } from '@meterline/domain/plan-fit';
import type { GroupedEventValues, GroupedLevels, UsageQuery, UsageReader, UsageRow } from '../ports/index.ts';
import { inMonthWindows } from './month-windows.ts';

export interface OnceRead {
  /** Asks the store, together with what is wanted `besides`. To be asked once. */
  readonly reader: UsageReader;
  /** Answers what `reader` was asked as if everything had happened `factor` times, without asking the store; and had gone on so for so much `longer`. */
  scaled(factor: bigint, longer?: Longer): UsageReader;
  /** The answers to what was wanted besides. */
  besides(): readonly (readonly UsageRow[])[];
}

/** How many times the time: a fraction above zero. */
export interface Longer {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

const AS_LONG: Longer = { numerator: 1n, denominator: 1n };

/** Usage read once, to be rated more than once at the same cut. Months of one of the zones are read together. */
export function readOnce(source: UsageReader, besides: readonly UsageQuery[], zones: readonly string[]): OnceRead {
  const known = new Map<string, readonly UsageRow[]>();
  const values = new Map<string, readonly GroupedEventValues[]>();
  const levels = new Map<string, readonly GroupedLevels[]>();
  let others: readonly (readonly UsageRow[])[] = [];

  return {
    besides: () => others,
    reader: {
      ...source,
      async usageAll(queries, cut) {
        const fewer = inMonthWindows(queries, zones);
        const { results: read, cut: seen } = await source.usageAll([...fewer.queries, ...besides], cut);
        const results = fewer.distribute(read);
        for (const [index, query] of queries.entries()) known.set(JSON.stringify(query), results[index] ?? []);
        others = read.slice(fewer.queries.length);
        return { results, cut: seen };
      },
      async eventValuesAll(queries, cut) {
        const results = await source.eventValuesAll(queries, cut);
        for (const [index, query] of queries.entries()) values.set(JSON.stringify(query), results[index] ?? []);
        return results;
      },
      async levelsAll(queries, cut) {
        const results = await source.levelsAll(queries, cut);
        for (const [index, query] of queries.entries()) levels.set(JSON.stringify(query), results[index] ?? []);
        return results;
      },
    },
    scaled: (factor, longer = AS_LONG) => ({
      ...source,
      async usageAll(queries, cut = []) {
        const results = queries.map((query) => readBefore(known, query).map((row) => scaledRow(row, query, factor, longer)));
        return { results, cut };
      },
      // Events of the same values come so many times as often; of a fraction, whole ones.
      eventValuesAll: async (queries) =>
        queries.map((query) =>
          readBefore(values, query).map((group) => ({
            ...group,
            values: group.values.map(({ value, events }) => ({ value, events: scaledEvents(events, factor, longer) })),
          })),
        ),
      levelsAll: async (queries) =>
        queries.map((query) =>
          readBefore(levels, query).map((group) => ({
            ...group,
            levels: group.levels.map(({ fromMs, level }) => ({ fromMs, level: scaledQuantity(level, factor) })),
          })),
        ),
    }),
  };
}

function readBefore<Answer>(answers: ReadonlyMap<string, Answer>, query: UsageQuery): Answer {
  const answer = answers.get(JSON.stringify(query));
  if (answer === undefined) throw new Error(`usage of meter ${query.meter.key} was not read before`);
  return answer;
}

function scaledRow(row: UsageRow, { meter }: UsageQuery, factor: bigint, longer: Longer): UsageRow {
  const value = scalingOf(meter) === 'unchanged' ? row.value : scaledQuantity(row.value, factor);
  return {
    ...row,
    value: growsWithTime(meter) ? lengthenedQuantity(value, longer) : value,
    events: scaledEvents(row.events, factor, longer),
  };
}

function scaledEvents(events: number, factor: bigint, { numerator, denominator }: Longer): number {
  return Math.round((events * Number(factor * numerator)) / Number(denominator));
}
