-- Which part of the log has become usage, and who may say so. DESIGN: exactly-once usage.
create extension if not exists btree_gist;

create table event_log (
  log_id text primary key,
  partition_count integer not null check (partition_count > 0),
  created_at timestamptz not null default now()
);

create table lease (
  log_id text not null references event_log,
  partition integer not null,
  epoch bigint not null default 0,
  next_offset bigint not null default 0,
  owner text not null default '',
  primary key (log_id, partition)
);

create table segment (
  log_id text not null,
  partition integer not null,
  start_offset bigint not null,
  end_offset bigint not null check (end_offset > start_offset),
  state text not null check (state in ('planned', 'committed', 'sealed')),
  config_version bigint not null,
  manifest jsonb,
  primary key (log_id, partition, start_offset),
  foreign key (log_id, partition) references lease,
  check (state = 'planned' or manifest is not null),
  -- segments never overlap, whatever a faulty owner tries
  exclude using gist (log_id with =, partition with =, int8range(start_offset, end_offset) with &&)
);
create index segment_open on segment (log_id, partition, start_offset) where state <> 'sealed';

-- Sealed segments folded into hourly rollups; a range is visible to readers once committed.
create table rollup_range (
  log_id text not null,
  partition integer not null,
  start_offset bigint not null,
  end_offset bigint not null check (end_offset > start_offset),
  state text not null check (state in ('planned', 'committed')),
  manifest jsonb,
  primary key (log_id, partition, start_offset),
  exclude using gist (log_id with =, partition with =, int8range(start_offset, end_offset) with &&)
);

-- Every change of meters makes a new version; a segment is read with the version it was planned at.
create table meter_config (
  "only" boolean primary key default true check ("only"),
  version bigint not null
);
insert into meter_config (version) values (1);

-- How late and how early an event may be, from a configuration version on. Segments keep the rule they were planned with.
create table acceptance_window (
  config_version bigint primary key,
  past_ms bigint not null check (past_ms >= 0),
  future_ms bigint not null check (future_ms >= 0)
);

-- Rating looks at whoever is named here; a row goes away in the transaction that recorded what came of it.
create table rating_wakeup (
  id bigint generated always as identity primary key,
  tenant text not null,
  subjects jsonb not null default '[]',
  customers jsonb not null default '[]',
  created_at timestamptz not null default now()
);
