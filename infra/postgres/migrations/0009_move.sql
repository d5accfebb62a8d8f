-- The data folder that is being moved into this deployment, or was: one at most. Its log stays without a topic until the move is complete, so
-- that no service starts on half of it.
create table move (
  "only" boolean primary key default true check ("only"),
  source_log_id text not null,
  log_id text not null,
  state text not null check (state in ('running', 'complete')),
  -- where everything lies in the new log, once all records are there
  layout jsonb,
  begun_at timestamptz not null default now(),
  completed_at timestamptz
);

-- An invoice issued before a move says in its document, which never changes, up to where it saw the log of then; this is where in the log of now.
alter table invoice add column moved_cut jsonb;
