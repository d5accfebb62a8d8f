import type { WindowSize } from '../time/index.ts';

export const AGGREGATIONS = [
  'count',
  'sum',
  'max',
  'min',
  'latest',
  'unique_count',
  'average',
  'weighted_sum',
  'peak_concurrency',
] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];

/** What is counted: events of one type, folded by one aggregation, split by named dimensions. Never changes once created. */
export interface Meter {
  readonly tenant: string;
  readonly key: string;
  readonly name: string;
  readonly eventType: string;
  readonly aggregation: Aggregation;
  /** JSONPath into `data`; null only for `count` and `peak_concurrency`. */
  readonly valueProperty: string | null;
  /** What the values of a weighted_sum mean; of no other aggregation. */
  readonly level?: LevelTerms;
  /** Where the sessions of a peak_concurrency are in `data`; of no other aggregation. */
  readonly session?: SessionTerms;
  /** Absent: events are folded over the whole range that is asked for. */
  readonly fold?: WindowFold;
  /** Dimension name -> JSONPath into `data`. */
  readonly dimensions: Readonly<Record<string, string>>;
  /** JSONPath into `data` -> accepted values (as text); an event must match every path. */
  readonly filter: Readonly<Record<string, readonly string[]>>;
  /** Meter configuration version from which new segments feed this meter. */
  readonly createdVersion: number;
  /** First configuration version that no longer feeds it, or null. */
  readonly archivedVersion: number | null;
}

export const LEVEL_VALUES = ['absolute', 'change'] as const;
export const LEVEL_UNITS = ['second', 'minute', 'hour', 'day', 'period'] as const;

/** A weighted_sum adds up a level over time: 5 GB held for 2 hours are 10 GB-hours. */
export interface LevelTerms {
  /** What an event says: the new level of its series (subject and dimensions), or by how much it changed. */
  readonly values: (typeof LEVEL_VALUES)[number];
  /**
   * How long a level of 1 is held for a usage of 1. A day has 24 hours; `period` is the range asked for, which makes the result its mean level.
   */
  readonly unit: (typeof LEVEL_UNITS)[number];
}

/** How sessions are told: by a join and a leave with the same id and subject, or by one event at the start that knows the duration. */
export type SessionTerms = { readonly maxSeconds: number } & (
  | {
      readonly id: string;
      /** JSONPath to what happened, and the texts that mean joining and leaving. */
      readonly phase: string;
      readonly join: string;
      readonly leave: string;
    }
  | {
      /** JSONPath to the duration in seconds, at most `maxSeconds`. */
      readonly duration: string;
    }
);

export const FOLD_TAKES = ['max', 'sum', 'average', 'percentile'] as const;

/** Usage is computed window by window (in the customer's time zone), and the windows are folded into one quantity. */
export interface WindowFold {
  readonly window: WindowSize;
  readonly take: (typeof FOLD_TAKES)[number];
  /** `take: percentile`: above 0, at most 100, as decimal text. */
  readonly percentile?: string;
  /** `average` and `percentile`: whether windows without usage count as zero, or not at all. */
  readonly emptyWindows?: 'zero' | 'skip';
}

/** How the usage store folds what it keeps of an event. */
export type StoredAggregation = Exclude<Aggregation, 'average' | 'weighted_sum' | 'peak_concurrency'>;

/**
 * What a meter keeps in the usage store, by minute: an average the sum (and always the number of events), a level what it takes to know it at any
 * minute. Null: nothing, usage is read from stored events alone; such a meter counts events from before its creation too.
 */
export function storedAggregation({ aggregation, level }: Pick<Meter, 'aggregation' | 'level'>): StoredAggregation | null {
  switch (aggregation) {
    case 'average':
      return 'sum';
    case 'weighted_sum':
      return level?.values === 'absolute' ? 'latest' : 'sum';
    case 'peak_concurrency':
      return null;
    case 'count':
    case 'sum':
    case 'max':
    case 'min':
    case 'latest':
    case 'unique_count':
      return aggregation;
  }
}

/** Whether the meter knows at any instant how many of something are held: what was said last, or a level. */
export function holdsLevel({ aggregation, fold }: Pick<Meter, 'aggregation' | 'fold'>): boolean {
  return fold === undefined && (aggregation === 'latest' || aggregation === 'weighted_sum');
}

/** Whether seats can be billed by it: it knows them at any instant, and its usage over a period counts them too. */
export function countsSeats(meter: Pick<Meter, 'aggregation' | 'fold' | 'level'>): boolean {
  return holdsLevel(meter) && (meter.level === undefined || meter.level.unit === 'period');
}

/** The meter that shows what `meter` keeps in the usage store, or null if it keeps nothing. */
export function storedMeter(meter: Meter): Meter | null {
  const aggregation = storedAggregation(meter);
  if (aggregation === null) return null;
  const { fold: _fold, level: _level, ...stored } = meter;
  return { ...stored, aggregation };
}

/** Names of a meter's dimensions in the order in which `dims` holds their values, whatever order they were stored in. */
export function dimensionNames(meter: Pick<Meter, 'dimensions'>): string[] {
  return Object.keys(meter.dimensions).sort();
}
