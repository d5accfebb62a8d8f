create table alert_rule (
  tenant text not null references tenant,
  key text not null,
  customer text,
  plan text,
  budget numeric,
  thresholds jsonb not null,
  created_at timestamptz not null,
  archived_at timestamptz,
  primary key (tenant, key),
  check ((customer is null) <> (plan is null)),
  foreign key (tenant, customer) references customer,
  foreign key (tenant, plan) references plan
);

-- One row per crossed level and period, whatever crashes: the key is the guarantee.
create table alert_occurrence (
  id text primary key,
  tenant text not null,
  rule text not null,
  customer text not null,
  period_from timestamptz not null,
  period_to timestamptz not null,
  threshold text not null,
  threshold_amount numeric not null,
  spend numeric not null,
  currency text not null,
  cut jsonb not null,
  triggered_at timestamptz not null,
  unique (tenant, rule, customer, period_from, threshold)
);

create table webhook_endpoint (
  id text primary key,
  tenant text not null references tenant,
  url text not null,
  events text[] not null,
  secret text not null,
  disabled_at timestamptz,
  disabled_reason text,
  created_at timestamptz not null
);

-- The transactional outbox: written in the transaction of what it tells about.
create table webhook_message (
  id text primary key,
  tenant text not null,
  type text not null,
  payload text not null,
  created_at timestamptz not null
);

create table webhook_delivery (
  id text primary key,
  tenant text not null,
  message text not null references webhook_message,
  endpoint text not null references webhook_endpoint,
  state text not null check (state in ('pending', 'delivered', 'failed')),
  attempts integer not null default 0,
  next_attempt_at timestamptz,
  created_at timestamptz not null,
  completed_at timestamptz
);
create index webhook_delivery_due on webhook_delivery (next_attempt_at) where state = 'pending';
create index webhook_delivery_message on webhook_delivery (message);

create table webhook_attempt (
  delivery text not null references webhook_delivery,
  attempt integer not null,
  at timestamptz not null,
  status integer,
  error text,
  duration_ms integer not null,
  primary key (delivery, attempt)
);
