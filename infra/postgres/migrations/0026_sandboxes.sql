-- A sandbox is a tenant with a time of its own, which its API moves forward; another tenant made it. See docs/adr/0041-sandbox-clock.md.
create table sandbox (
  -- who made it, and its key there
  tenant text not null references tenant,
  key text not null,
  name text not null,
  -- the tenant that it is itself
  own_tenant text not null unique references tenant,
  -- its time is the server's and this much more (less, if negative); it only grows
  clock_shift_ms bigint not null,
  -- where its clock was last moved to, and whether it is still on its way there
  clock_target timestamptz,
  clock_moves boolean not null default false,
  created_at timestamptz not null,
  primary key (tenant, key),
  check (clock_target is not null or not clock_moves)
);
create index sandbox_on_its_way on sandbox (own_tenant) where clock_moves;
create trigger audited after insert or update or delete on sandbox
  for each row execute function audit_object('key', 'clock_shift_ms,clock_target,clock_moves');

create function refuse_clock_backwards() returns trigger language plpgsql as $$
begin
  raise exception 'the clock of a sandbox only moves forward' using errcode = 'ML026';
end $$;
create trigger sandbox_clock_moves_forward before update on sandbox
  for each row when (new.clock_shift_ms < old.clock_shift_ms or new.own_tenant <> old.own_tenant)
  execute function refuse_clock_backwards();

-- What is to be added to the server's time to get the tenant's.
create function clock_shift(of_tenant text) returns interval language sql stable as $$
  select coalesce((select clock_shift_ms from sandbox where own_tenant = of_tenant), 0) * interval '1 millisecond'
$$;

-- As before, but at the time of the tenant. The author's instant, and the test clock's, are the server's.
create or replace function audit_conclude() returns trigger language plpgsql as $$
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
      now() + coalesce((select shift_ms from test_clock), 0) * interval '1 millisecond') + clock_shift(of_tenant),
    author ->> 'keyId', (select name from api_key where id = author ->> 'keyId' and tenant = of_tenant), author ->> 'requestId',
    case when new.before is null then 'create' when after_it is null then 'delete' else 'update' end,
    new.object_type, new.object_key, new.before, after_it);
  return null;
end $$;
