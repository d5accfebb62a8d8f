-- What was set, by whom, when, before and after. Rows come from triggers alone, so nothing that is audited changes without its row, and no row is
-- there without its change. See docs/adr/0029-audit-by-trigger.md; a new table joins with the last lines of this file as its example.
create table audit_record (
  id bigint generated always as identity primary key,
  tenant text not null references tenant,
  at timestamptz not null,
  -- the API key that asked for it and its name then; null = the server's own doing
  actor_key text,
  actor_name text,
  request_id text,
  action text not null check (action in ('create', 'update', 'delete')),
  object_type text not null,
  object_key text not null,
  before jsonb,
  after jsonb,
  check (before is distinct from after),
  check (action = case when before is null then 'create' when after is null then 'delete' else 'update' end)
);
create index audit_record_newest on audit_record (tenant, id);
create index audit_record_object on audit_record (tenant, object_type, object_key, id);

-- While a data folder is moved in, its rows are not changes made here: they come with the records of their own changes.
create function is_moved_in() returns boolean language sql stable as $$
  select exists (select from move where state = 'running')
$$;

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and is_moved_in() then return old; end if;
  raise exception 'the audit trail never changes' using errcode = 'ML003';
end $$;
create trigger audit_record_is_immutable before update or delete on audit_record for each row execute function refuse_audit_change();
create trigger audit_record_stays before truncate on audit_record for each statement execute function refuse_audit_change();

-- What an object was before a transaction first touched it; gone again when the transaction ends.
create table audit_note (
  transaction xid8 not null default pg_current_xact_id(),
  object_type text not null,
  -- tenant and key columns of the object's row
  identity jsonb not null,
  object_key text not null,
  without text[] not null,
  before jsonb,
  primary key (transaction, object_type, identity)
);

create function audit_field(of_column text) returns text language sql immutable strict as $$
  select lower(left(of_column, 1)) || substr(replace(initcap(replace(of_column, '_', ' ')), ' ', ''), 2)
$$;

-- A row as the API would show it: fields named as there, instants as RFC 3339 in UTC, money as text, secrets hidden.
create function audit_document(of_table text, stored jsonb, without text[]) returns jsonb language sql stable strict as $$
  select jsonb_object_agg(audit_field(attname), case
      when atttypid = 'timestamptz'::regtype then to_jsonb(regexp_replace(
        to_char((stored ->> attname)::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '\.000Z$', 'Z'))
      -- secrets are long and random: eight digits of a hash tell that one was replaced, and nothing about it
      when attname like '%secret%' then to_jsonb('hidden:' || left(encode(sha256(convert_to(nullif(stored ->> attname, ''), 'UTF8')), 'hex'), 8))
      when atttypid = 'numeric'::regtype then to_jsonb(stored ->> attname)
      else stored -> attname end)
    || case when of_table = 'customer' then jsonb_build_object('subjects', (
         select coalesce(jsonb_agg(subject order by subject collate "C"), '[]') from customer_subject
         where customer = stored ->> 'key' and tenant = stored ->> 'tenant')) else '{}' end
  from pg_attribute
  where attrelid = format('%I', of_table)::regclass and attnum > 0 and not attisdropped
    and attname <> 'tenant' and attname <> all (without)
$$;

create function audit_note_object(of_type text, key_columns text[], key_values text[], of_tenant text, without text[], stored jsonb) returns void
language plpgsql as $$
declare
  columns jsonb := jsonb_object(key_columns, key_values) || jsonb_build_object('tenant', of_tenant);
begin
  insert into audit_note (object_type, identity, object_key, without, before)
  values (of_type, columns, array_to_string(key_values, '@'), without, audit_document(of_type, stored, without))
  on conflict do nothing;
end $$;

-- AFTER trigger of an object's own table, which gives the object its type. Arguments: its key columns; columns that are progress, not settings.
create function audit_object() returns trigger language plpgsql as $$
declare
  known jsonb := to_jsonb(coalesce(new, old));
  key_columns text[] := string_to_array(tg_argv[0], ',');
  key_values text[] := array(select known ->> name from unnest(key_columns) with ordinality as k (name, place) order by place);
begin
  if not is_moved_in() then
    perform audit_note_object(tg_table_name, key_columns, key_values, known ->> 'tenant',
      coalesce(string_to_array(tg_argv[1], ','), '{}'), to_jsonb(old));
  end if;
  return null;
end $$;

-- BEFORE trigger of a table whose rows are part of an object that the transaction has locked. Arguments: the object's type, its key column, and the
-- column here that names it.
create function audit_part() returns trigger language plpgsql as $$
declare
  known jsonb := to_jsonb(coalesce(new, old));
  whole jsonb;
begin
  if not is_moved_in() then
    execute format('select to_jsonb(t) from %I t where tenant = $1 and %I = $2', tg_argv[0], tg_argv[1])
      into whole using known ->> 'tenant', known ->> tg_argv[2];
    perform audit_note_object(tg_argv[0], array[tg_argv[1]], array[known ->> tg_argv[2]], known ->> 'tenant', '{}', whole);
  end if;
  return coalesce(new, old);
end $$;

-- At the end of the transaction: what became of a noted object. Who acts, and when, is in `meterline.author` (tenant's key, request, instant);
-- without it the server acts by itself, at the time of its clock.
create function audit_conclude() returns trigger language plpgsql as $$
declare
  author jsonb := nullif(current_setting('meterline.author', true), '')::jsonb;
  after_it jsonb;
  of_tenant text := new.identity ->> 'tenant';
begin
  execute format('select audit_document(%1$L, to_jsonb(t), $2) from %1$I t, jsonb_populate_record(null::%1$I, $1) k where %2$s', new.object_type,
      (select string_agg(format('t.%1$I = k.%1$I', name), ' and ') from jsonb_object_keys(new.identity) as name))
    into after_it using new.identity, new.without;
  delete from audit_note where transaction = new.transaction and object_type = new.object_type and identity = new.identity;
  if new.before is not distinct from after_it then return null; end if;
  insert into audit_record (tenant, at, actor_key, actor_name, request_id, action, object_type, object_key, before, after) values (
    of_tenant,
    coalesce((author ->> 'at')::timestamptz,
      now() + coalesce((select shift_ms from test_clock), 0) * interval '1 millisecond'),
    author ->> 'keyId', (select name from api_key where id = author ->> 'keyId' and tenant = of_tenant), author ->> 'requestId',
    case when new.before is null then 'create' when after_it is null then 'delete' else 'update' end,
    new.object_type, new.object_key, new.before, after_it);
  return null;
end $$;
create constraint trigger audit_note_concludes after insert on audit_note deferrable initially deferred
  for each row execute function audit_conclude();

-- Every table here has `tenant`. A table that is missing fails test/contract/audit.contract.ts.
create trigger audited after insert or update or delete on api_key for each row execute function audit_object('id');
create trigger audited after insert or update or delete on meter for each row execute function audit_object('key');
create trigger audited after insert or update or delete on meter_backfill
  for each row execute function audit_object('meter', 'id,config_version,boundaries,filled_through,state,completed_at');
create trigger audited after insert or update or delete on customer for each row execute function audit_object('key');
create trigger audited before insert or update or delete on customer_subject
  for each row execute function audit_part('customer', 'key', 'customer');
create trigger audited after insert or update or delete on plan for each row execute function audit_object('key');
create trigger audited after insert or update or delete on plan_version for each row execute function audit_object('plan,version');
create trigger audited after insert or update or delete on price_change
  for each row execute function audit_object('plan,plan_version,revision');
create trigger audited after insert or update or delete on subscription for each row execute function audit_object('id');
create trigger audited after insert or update or delete on alert_rule for each row execute function audit_object('key');
create trigger audited after insert or update or delete on webhook_endpoint for each row execute function audit_object('id');
create trigger audited after insert or update or delete on invoice_schedule for each row execute function audit_object('tenant', 'next_run_at');
create trigger audited after insert or update or delete on prepaid_account
  for each row execute function audit_object('customer', 'position');
create trigger audited after insert or update or delete on prepaid_grant for each row execute function audit_object('id');
-- Other movements follow from invoices and dates: the ledger is their record.
create trigger audited after insert on prepaid_movement
  for each row when (new.kind = 'void') execute function audit_object('customer,position');
