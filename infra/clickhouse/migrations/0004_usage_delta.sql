-- What one segment adds to one series in one minute. `value` is the sum of a sum meter, the extreme of max and min, the latest value of latest.
create table if not exists usage_delta (
  tenant String,
  meter String,
  -- how `value` is folded further
  aggregation Enum8('count' = 1, 'sum' = 2, 'max' = 3, 'min' = 4, 'latest' = 5, 'unique_count' = 6),
  subject String,
  minute DateTime('UTC'),
  -- dimension values in the order of the meter's dimensions
  dims Array(String),
  -- 0: events counted as they were committed; otherwise the backfill that counted them (or their withdrawal)
  origin UInt32,
  -- what segment_start is the start of: a segment, or a chunk of the backfill
  writer Enum8('segment' = 1, 'backfill' = 2),
  partition UInt16,
  segment_start UInt64,
  -- events that count and events withdrawn: the series has gross - voids
  gross UInt64,
  voids UInt64,
  value Decimal(38, 12),
  latest_at DateTime64(3, 'UTC'),
  latest_offset UInt64,
  uniques Array(String),
  row_hex String ephemeral,
  row_hash UInt64 default reinterpretAsUInt64(unhex(row_hex)),
  index segment_start_range segment_start type minmax granularity 1
) engine = ReplacingMergeTree
partition by toYYYYMM(minute)
order by (tenant, meter, subject, minute, dims, origin, writer, partition, segment_start)
settings fsync_after_insert = 1, fsync_part_directory = 1
