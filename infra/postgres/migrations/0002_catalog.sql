create table tenant (
  id text primary key,
  name text not null,
  created_at timestamptz not null
);

create table api_key (
  id text primary key,
  tenant text not null references tenant,
  name text not null,
  secret_hash bytea not null,
  scopes text[] not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null
);

create table idempotency_key (
  tenant text not null references tenant,
  key text not null,
  request_hash text not null,
  response jsonb,
  created_at timestamptz not null,
  primary key (tenant, key)
);

create table meter (
  tenant text not null references tenant,
  key text not null,
  name text not null,
  event_type text not null,
  aggregation text not null,
  value_property text,
  dimensions jsonb not null,
  filter jsonb not null,
  created_version bigint not null,
  archived_version bigint,
  created_at timestamptz not null,
  archived_at timestamptz,
  primary key (tenant, key)
);

-- Fills a meter from raw events that came before it; its deltas carry this id as `origin` and show once complete.
create table meter_backfill (
  id integer generated always as identity primary key,
  tenant text not null,
  meter text not null,
  config_version bigint not null,
  -- per partition: events below `before` are filled; voids below `void_before` are already left out
  boundaries jsonb not null,
  filled_through jsonb not null default '{}',
  state text not null check (state in ('running', 'complete')),
  created_at timestamptz not null,
  completed_at timestamptz,
  foreign key (tenant, meter) references meter
);
create unique index meter_backfill_once on meter_backfill (tenant, meter);

create table customer (
  tenant text not null references tenant,
  key text not null,
  name text not null,
  currency text not null,
  timezone text not null,
  created_at timestamptz not null,
  primary key (tenant, key)
);

create table customer_subject (
  tenant text not null,
  subject text not null,
  customer text not null,
  primary key (tenant, subject),
  foreign key (tenant, customer) references customer
);
create index customer_subject_customer on customer_subject (tenant, customer);

create table plan (
  tenant text not null references tenant,
  key text not null,
  name text not null,
  currency text not null,
  billing_period jsonb not null,
  latest_version integer not null,
  created_at timestamptz not null,
  archived_at timestamptz,
  primary key (tenant, key)
);

create table plan_version (
  tenant text not null,
  plan text not null,
  version integer not null,
  rate_cards jsonb not null,
  created_at timestamptz not null,
  primary key (tenant, plan, version),
  foreign key (tenant, plan) references plan
);

create table subscription (
  id text primary key,
  tenant text not null,
  customer text not null,
  plan text not null,
  plan_version integer not null,
  starts_at timestamptz not null,
  ends_at timestamptz,
  created_at timestamptz not null,
  foreign key (tenant, customer) references customer,
  foreign key (tenant, plan, plan_version) references plan_version
);
create index subscription_customer on subscription (tenant, customer);
create index subscription_plan on subscription (tenant, plan);
