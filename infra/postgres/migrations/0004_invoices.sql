create table invoice_schedule (
  tenant text primary key references tenant,
  cron text not null,
  timezone text not null,
  next_run_at timestamptz not null
);

create table invoice_run (
  id text primary key,
  tenant text not null references tenant,
  -- periods that ended at or before this instant are invoiced
  at timestamptz not null,
  scheduled boolean not null,
  state text not null check (state in ('running', 'complete')),
  -- the log as it stood when the run began: invoices wait until all of it is sealed
  target_cut jsonb not null,
  invoices integer not null default 0,
  created_at timestamptz not null,
  completed_at timestamptz
);
create unique index invoice_run_scheduled on invoice_run (tenant, at) where scheduled;

-- A counter row, not a sequence: a rolled-back invoice leaves no gap.
create table invoice_counter (
  tenant text primary key references tenant,
  last_number bigint not null
);

create table invoice (
  id text primary key,
  tenant text not null references tenant,
  number text not null,
  customer text not null,
  subscription text not null references subscription,
  period_from timestamptz not null,
  period_to timestamptz not null,
  currency text not null,
  total numeric not null,
  -- the invoice as issued, byte for byte
  document text not null,
  issued_at timestamptz not null,
  unique (tenant, number),
  unique (tenant, subscription, period_from)
);
create index invoice_customer on invoice (tenant, customer, issued_at);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'an issued invoice never changes' using errcode = 'ML001';
end $$;
create trigger invoice_is_immutable before update or delete on invoice for each row execute function refuse_change();
