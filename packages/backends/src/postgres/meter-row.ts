import type { Aggregation, LevelTerms, Meter, SessionTerms, WindowFold } from '@meterline/domain/meters';

/** A row of `meter`. */
export interface MeterRow {
  readonly tenant: string;
  readonly key: string;
  readonly name: string;
  readonly event_type: string;
  readonly aggregation: Aggregation;
  readonly value_property: string | null;
  readonly level: LevelTerms | null;
  readonly session: SessionTerms | null;
  readonly fold: WindowFold | null;
  readonly dimensions: Record<string, string>;
  readonly filter: Record<string, string[]>;
  readonly created_version: string;
  readonly archived_version: string | null;
}

export function meterOf(row: MeterRow): Meter {
  return {
    tenant: row.tenant,
    key: row.key,
    name: row.name,
    eventType: row.event_type,
    aggregation: row.aggregation,
    valueProperty: row.value_property,
    ...(row.level === null ? {} : { level: row.level }),
    ...(row.session === null ? {} : { session: row.session }),
    ...(row.fold === null ? {} : { fold: row.fold }),
    dimensions: row.dimensions,
    filter: row.filter,
    createdVersion: Number(row.created_version),
    archivedVersion: row.archived_version === null ? null : Number(row.archived_version),
  };
}
