-- Subscriptions to a plan that are brought to another version of it. The steps, one for each of them, are laid down with the move: which there are does not
-- change while it is worked on. A step knows the id of the change that it will make, so that it is made once, however often it is tried.
create table plan_move (
  tenant text not null,
  id text not null,
  plan text not null,
  to_version integer not null,
  -- null = every other version
  from_versions jsonb,
  -- null = every customer
  customers jsonb,
  except_customers jsonb not null,
  takes_effect text not null check (takes_effect in ('now', 'renewal')),
  dry_run boolean not null,
  state text not null check (state in ('running', 'complete')),
  created_at timestamptz not null,
  completed_at timestamptz,
  primary key (tenant, id),
  foreign key (tenant, plan, to_version) references plan_version
);
create index plan_move_running on plan_move (id) where state = 'running';
create trigger audited after insert or update or delete on plan_move for each row execute function audit_object('id', 'state,completed_at');

create table plan_move_step (
  tenant text not null,
  move text not null,
  subscription text not null,
  customer text not null,
  from_version integer not null,
  change text not null,
  state text not null check (state in ('pending', 'moved', 'skipped', 'failed')),
  attempts integer not null default 0,
  -- {code, message} of what was in the way
  reason jsonb,
  effective_at timestamptz,
  -- of a dry run: {before, after, difference}, money as text
  estimate jsonb,
  primary key (tenant, move, subscription),
  foreign key (tenant, move) references plan_move
);
