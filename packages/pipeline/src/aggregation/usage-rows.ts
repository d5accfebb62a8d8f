import type { StoredAggregation } from '@meterline/domain/meters';
import type { SegmentRange, UsageTable } from '../ports/segment-ledger.ts';
import type { DecodedEvent, DecodedRecord } from './decode.ts';
import type { RowBatch } from './row-batch.ts';

/** Columns of each table in the order in which its rows are encoded here. */
export const ROW_COLUMNS: Readonly<Record<UsageTable, readonly string[]>> = {
  event: columns(
    'tenant type subject time partition offset kind segment_start target_offset config_version appended_at received_at payload row_hash',
  ),
  refused_event: columns('tenant partition offset segment_start status code detail appended_at received_at payload row_hash'),
  event_key: columns('partition id_hash offset kind segment_start appended_at row_hash'),
  usage_delta: columns(
    'tenant meter aggregation subject minute dims origin writer partition segment_start gross voids value latest_at latest_offset uniques row_hash',
  ),
};

/** Codes of the tables' Enum8 columns. */
const EVENT_KIND = { event: 1, void: 2 } as const;
const CLAIM_KIND = { event: 1, void: 2, replace: 3 } as const;
const REFUSAL = { duplicate: 1, conflict: 2, rejected: 3 } as const;
const AGGREGATION: Readonly<Record<StoredAggregation, number>> = { count: 1, sum: 2, max: 3, min: 4, latest: 5, unique_count: 6 };
const WRITER = { segment: 1, backfill: 2 } as const;

export type RefusalStatus = keyof typeof REFUSAL;

export interface EventRow {
  readonly kind: keyof typeof EVENT_KIND;
  /** void: the offset of what it withdraws. */
  readonly targetOffset: number;
  readonly configVersion: number;
  readonly rowHash: string;
}

export function addEventRow(
  batch: RowBatch,
  { partition, start }: SegmentRange,
  record: DecodedRecord,
  event: DecodedEvent,
  row: EventRow,
): void {
  batch
    .text(record.tenant)
    .text(event.type)
    .text(event.subject)
    .int64(event.timeMs)
    .uint16(partition)
    .int64(record.offset)
    .uint8(EVENT_KIND[row.kind])
    .int64(start)
    .int64(row.targetOffset)
    .uint32(row.configVersion)
    .int64(record.appendedAtMs)
    .int64(record.receivedAtMs)
    .utf8(record.value)
    .endRow(row.rowHash);
}

export function addRefusedRow(
  batch: RowBatch,
  { partition, start }: SegmentRange,
  record: DecodedRecord,
  status: RefusalStatus,
  why: { code: string; detail: string },
): void {
  batch
    .text(record.tenant)
    .uint16(partition)
    .int64(record.offset)
    .int64(start)
    .uint8(REFUSAL[status])
    .text(why.code)
    .text(why.detail)
    .int64(record.appendedAtMs)
    .int64(record.receivedAtMs)
    .utf8(record.value)
    .endRow(record.payloadHash);
}

export function addKeyRow(batch: RowBatch, { partition, start }: SegmentRange, record: DecodedRecord, idHash: string): void {
  batch
    .uint16(partition)
    .hex(idHash)
    .int64(record.offset)
    .uint8(CLAIM_KIND[record.kind])
    .int64(start)
    .int64(record.appendedAtMs)
    .endRow(record.payloadHash);
}

/** Of which meter a delta is, and who wrote it. */
export interface DeltaSeries {
  readonly tenant: string;
  readonly meter: string;
  readonly aggregation: StoredAggregation;
  /** 0, or the backfill that counted the events. */
  readonly origin: number;
  readonly writer: keyof typeof WRITER;
  readonly partition: number;
  /** Start of the segment, or of the backfill's chunk. */
  readonly start: number;
}

export interface DeltaRow {
  readonly subject: string;
  readonly minuteSeconds: number;
  readonly dims: readonly string[];
  readonly gross: number;
  readonly voids: number;
  readonly value: bigint;
  readonly latestAtMs: number;
  readonly latestOffset: number;
  readonly uniques: readonly string[];
}

export function addDeltaRow(batch: RowBatch, series: DeltaSeries, row: DeltaRow): void {
  batch
    .text(series.tenant)
    .text(series.meter)
    .uint8(AGGREGATION[series.aggregation])
    .text(row.subject)
    .uint32(row.minuteSeconds)
    .texts(row.dims)
    .uint32(series.origin)
    .uint8(WRITER[series.writer])
    .uint16(series.partition)
    .int64(series.start)
    .int64(row.gross)
    .int64(row.voids)
    .int128(row.value)
    .int64(row.latestAtMs)
    .int64(row.latestOffset)
    .texts(row.uniques)
    .endRowHashed();
}

function columns(names: string): string[] {
  return names.split(' ');
}
