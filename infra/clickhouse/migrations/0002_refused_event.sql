-- Records that became no usage, each with its reason: nothing that entered the log is dropped.
create table if not exists refused_event (
  tenant String,
  partition UInt16,
  offset UInt64,
  segment_start UInt64,
  status Enum8('duplicate' = 1, 'conflict' = 2, 'rejected' = 3),
  code LowCardinality(String),
  detail String,
  appended_at DateTime64(3, 'UTC'),
  row_hex String ephemeral,
  row_hash UInt64 default reinterpretAsUInt64(unhex(row_hex)),
  payload String codec(ZSTD(1)),
  index segment_start_range segment_start type minmax granularity 1
) engine = ReplacingMergeTree
partition by toYYYYMM(appended_at)
order by (tenant, partition, offset)
settings fsync_after_insert = 1, fsync_part_directory = 1
