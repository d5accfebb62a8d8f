-- Who claimed an id first: what deduplication looks up. id_hash covers tenant, source and id.
create table if not exists event_key (
  partition UInt16,
  id_hex String ephemeral,
  id_hash FixedString(16) default unhex(id_hex),
  offset UInt64,
  kind Enum8('event' = 1, 'void' = 2, 'replace' = 3),
  segment_start UInt64,
  appended_at DateTime64(3, 'UTC'),
  row_hex String ephemeral,
  row_hash UInt64 default reinterpretAsUInt64(unhex(row_hex)),
  index segment_start_range segment_start type minmax granularity 1
) engine = ReplacingMergeTree
order by (partition, id_hash, offset)
settings index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1
