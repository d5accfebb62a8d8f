export const AGGREGATIONS = ['count', 'sum', 'max', 'min', 'latest', 'unique_count'] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];

/** What is counted: events of one type, folded by one aggregation, split by named dimensions. Never changes once created. */
export interface Meter {
  readonly tenant: string;
  readonly key: string;
  readonly name: string;
  readonly eventType: string;
  readonly aggregation: Aggregation;
  /** JSONPath into `data`; null only for `count`. */
  readonly valueProperty: string | null;
  /** Dimension name -> JSONPath into `data`. */
  readonly dimensions: Readonly<Record<string, string>>;
  /** JSONPath into `data` -> accepted values (as text); an event must match every path. */
  readonly filter: Readonly<Record<string, readonly string[]>>;
  /** Meter configuration version from which new segments feed this meter. */
  readonly createdVersion: number;
  /** First configuration version that no longer feeds it, or null. */
  readonly archivedVersion: number | null;
}

/** Names of a meter's dimensions in the order in which `dims` holds their values, whatever order they were stored in. */
export function dimensionNames(meter: Pick<Meter, 'dimensions'>): string[] {
  return Object.keys(meter.dimensions).sort();
}
