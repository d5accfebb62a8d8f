-- What customers can use; with a meter, how much of it they use.
create table feature (
  tenant text not null references tenant,
  key text not null,
  name text not null,
  meter text,
  filter jsonb not null default '{}',
  created_at timestamptz not null,
  archived_at timestamptz,
  primary key (tenant, key),
  foreign key (tenant, meter) references meter
);
create trigger audited after insert or update or delete on feature for each row execute function audit_object('key');

alter table plan_version
  add column features jsonb not null default '[]',
  -- may change, and takes no subscriptions
  add column draft boolean not null default false,
  -- takes no new subscriptions; an archived draft is discarded
  add column archived_at timestamptz;
-- So that versions are published in the order of their numbers.
create unique index plan_version_one_draft on plan_version (tenant, plan) where draft and archived_at is null;

create function refuse_published_change() returns trigger language plpgsql as $$
begin
  if to_jsonb(new) - array['price_revision', 'archived_at'] is distinct from to_jsonb(old) - array['price_revision', 'archived_at'] then
    raise exception 'a published plan version never changes' using errcode = 'ML021';
  end if;
  return new;
end $$;
create trigger plan_version_is_immutable before update on plan_version
  for each row when (not old.draft) execute function refuse_published_change();

-- One row for each reached level of an entitlement in a period, whatever crashes: the key is the guarantee. A level is a share of a limit, so
-- another limit within the period has levels of its own.
create table entitlement_occurrence (
  id text primary key,
  tenant text not null,
  customer text not null,
  feature text not null,
  period_from timestamptz not null,
  period_to timestamptz not null,
  percent integer not null,
  usage_limit numeric not null,
  used numeric not null,
  triggered_at timestamptz not null,
  unique (tenant, customer, feature, period_from, period_to, usage_limit, percent)
);
