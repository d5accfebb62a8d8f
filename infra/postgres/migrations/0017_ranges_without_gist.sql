-- Updates that join by nested loop to the GiST index behind an exclusion constraint made it lose entries of rows that are in the table: reads that chose
-- it missed segments. The same rule, that ranges of a partition never overlap, on the primary key alone (docs/adr/0033-ranges-without-gist.md).
alter table segment drop constraint segment_log_id_partition_int8range_excl;
alter table rollup_range drop constraint rollup_range_log_id_partition_int8range_excl;

-- Whoever inserts holds the partition's lease, so that two cannot pass each other unseen. The ranges there already do not overlap: it is enough to look
-- at the last one that begins before the end of the new one.
create function refuse_overlap() returns trigger language plpgsql as $$
declare
  last_end bigint;
begin
  if tg_op = 'UPDATE' then raise exception 'the range of a % never changes', tg_table_name using errcode = 'ML004'; end if;
  perform from lease where log_id = new.log_id and partition = new.partition for update;
  execute format('select end_offset from %I where log_id = $1 and partition = $2 and start_offset < $3 order by start_offset desc limit 1', tg_table_name)
    into last_end using new.log_id, new.partition, new.end_offset;
  if last_end > new.start_offset then
    raise exception '% [%, %) of partition % overlaps another one', tg_table_name, new.start_offset, new.end_offset, new.partition
      using errcode = 'exclusion_violation';
  end if;
  return new;
end $$;
create trigger segments_never_overlap before insert or update of log_id, partition, start_offset, end_offset on segment
  for each row execute function refuse_overlap();
create trigger ranges_never_overlap before insert or update of log_id, partition, start_offset, end_offset on rollup_range
  for each row execute function refuse_overlap();
