-- Deltas of a range of sealed segments folded by hour: reading a month costs the same however small the segments were.
create table if not exists usage_rollup (
  tenant String,
  meter String,
  -- how `value` is folded further
  aggregation Enum8('count' = 1, 'sum' = 2, 'max' = 3, 'min' = 4, 'latest' = 5, 'unique_count' = 6),
  subject String,
  hour DateTime('UTC'),
  dims Array(String),
  partition UInt16,
  range_start UInt64,
  gross UInt64,
  voids UInt64,
  value Decimal(38, 12),
  latest_at DateTime64(3, 'UTC'),
  latest_offset UInt64,
  uniques Array(String),
  index range_start_range range_start type minmax granularity 1
) engine = ReplacingMergeTree
partition by toYYYYMM(hour)
order by (tenant, meter, subject, hour, dims, partition, range_start)
settings fsync_after_insert = 1, fsync_part_directory = 1
