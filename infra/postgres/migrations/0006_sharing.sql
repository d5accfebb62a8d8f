-- Aggregators that share the partitions of a log. They live as long as their heartbeat is young, by this database's own time, so that
-- no machine's clock matters. Who leads a partition is `lease.owner`; that it leads rightly is `lease.epoch`.
create table aggregator_member (
  log_id text not null references event_log,
  member text not null,
  heartbeat_at timestamptz not null default now(),
  primary key (log_id, member)
);

-- The log that a topic stands for now. A topic replayed from its start is another log, and takes the name from the former.
alter table event_log add column topic text unique;
