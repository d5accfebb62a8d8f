-- A topic that is being counted anew as another log, one at most. While it is, neither log has the topic, so that no service starts on half of it.
create table replay (
  "only" boolean primary key default true check ("only"),
  topic text not null,
  former_log_id text not null references event_log,
  log_id text not null references event_log,
  -- up to where the former log was counted, and with which versions of the configuration
  layout jsonb not null,
  -- backfills that were complete, and since when: they are made again
  backfills jsonb not null,
  begun_at timestamptz not null default now()
);
