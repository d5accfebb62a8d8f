-- Sandboxes that were deleted. The tenant that one was is never used again: the log goes on naming it. See docs/adr/0045-deleting-sandboxes.md.
create table sandbox_removal (
  -- the tenant that it was itself
  own_tenant text primary key references tenant,
  -- who had it, and its key there
  tenant text not null references tenant,
  key text not null,
  removed_at timestamptz not null,
  -- nothing of it is left
  swept_at timestamptz
);
create index sandbox_removal_key on sandbox_removal (tenant, key);
create index sandbox_removal_unswept on sandbox_removal (removed_at) where swept_at is null;

create function is_removed(of_tenant text) returns boolean language sql stable as $$
  select exists (select from sandbox_removal where own_tenant = of_tenant)
$$;

alter table webhook_attempt drop constraint webhook_attempt_delivery_fkey,
  add foreign key (delivery) references webhook_delivery on delete cascade;

-- As before, but what never changes goes with its sandbox.
create or replace function refuse_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and is_removed(old.tenant) then return old; end if;
  raise exception 'an issued invoice never changes' using errcode = 'ML001';
end $$;
create or replace function refuse_ledger_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and is_removed(old.tenant) then return old; end if;
  raise exception 'the ledger of grants never changes' using errcode = 'ML002';
end $$;
create or replace function refuse_price_history() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and is_removed(old.tenant) then return old; end if;
  raise exception 'an entered price change never changes' using errcode = 'ML002';
end $$;
create or replace function refuse_audit_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and (is_moved_in() or is_removed(old.tenant)) then return old; end if;
  raise exception 'the audit trail never changes' using errcode = 'ML003';
end $$;

-- As before, but nobody reads a trail of what goes with its sandbox.
create or replace function audit_object() returns trigger language plpgsql as $$
declare
  known jsonb := to_jsonb(coalesce(new, old));
  key_columns text[] := string_to_array(tg_argv[0], ',');
  key_values text[] := array(select known ->> name from unnest(key_columns) with ordinality as k (name, place) order by place);
begin
  if not is_moved_in() and not is_removed(known ->> 'tenant') then
    perform audit_note_object(tg_table_name, key_columns, key_values, known ->> 'tenant',
      coalesce(string_to_array(tg_argv[1], ','), '{}'), to_jsonb(old));
  end if;
  return null;
end $$;
create or replace function audit_part() returns trigger language plpgsql as $$
declare
  known jsonb := to_jsonb(coalesce(new, old));
  whole jsonb;
begin
  if not is_moved_in() and not is_removed(known ->> 'tenant') then
    execute format('select to_jsonb(t) from %I t where tenant = $1 and %I = $2', tg_argv[0], tg_argv[1])
      into whole using known ->> 'tenant', known ->> tg_argv[2];
    perform audit_note_object(tg_argv[0], array[tg_argv[1]], array[known ->> tg_argv[2]], known ->> 'tenant', '{}', whole);
  end if;
  return coalesce(new, old);
end $$;
