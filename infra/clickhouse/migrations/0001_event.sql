-- Accepted events, one row a log record and kind (a replacement leaves a 'void' row for what it replaces and an 'event' row).
-- Every row is a pure image of its log position, so writing it again is the same write.
create table if not exists event (
  tenant String,
  type String,
  subject String,
  time DateTime64(3, 'UTC'),
  partition UInt16,
  offset UInt64,
  kind Enum8('event' = 1, 'void' = 2),
  segment_start UInt64 codec(Delta, LZ4),
  -- void: the offset of what it withdraws, in the same partition
  target_offset UInt64 default 0,
  config_version UInt32,
  appended_at DateTime64(3, 'UTC') codec(Delta, LZ4),
  row_hex String ephemeral,
  row_hash UInt64 default reinterpretAsUInt64(unhex(row_hex)),
  -- the CloudEvents JSON as it stands in the log
  payload String codec(ZSTD(1)),
  index segment_start_range segment_start type minmax granularity 1,
  index offset_range offset type minmax granularity 1
) engine = ReplacingMergeTree
partition by toYYYYMM(time)
order by (tenant, type, subject, time, partition, offset, kind)
settings fsync_after_insert = 1, fsync_part_directory = 1
