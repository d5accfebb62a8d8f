-- Whose ledger has come how far: its row lock lets one writer of a customer's movements through at a time.
create table prepaid_account (
  tenant text not null,
  customer text not null,
  position bigint not null,
  burn_order text not null check (burn_order in ('priority', 'purchase', 'free_first')),
  primary key (tenant, customer),
  foreign key (tenant, customer) references customer
);

-- A pack of units (meter) or a credit of money (currency).
create table prepaid_grant (
  id text primary key,
  tenant text not null,
  customer text not null,
  key text not null,
  name text not null,
  meter text,
  -- dimension name -> accepted values
  filter jsonb not null,
  -- from the meter's unit to the pack's
  unit_conversion jsonb,
  currency text,
  amount numeric not null check (amount > 0),
  priority integer not null,
  effective_at timestamptz not null,
  expires_at timestamptz check (expires_at > effective_at),
  -- what was paid for it; null or 0: nothing
  cost numeric,
  carry_over jsonb,
  carried_from text references prepaid_grant,
  created_at timestamptz not null,
  unique (tenant, customer, key),
  check ((meter is null) <> (currency is null)),
  foreign key (tenant, customer) references prepaid_account,
  foreign key (tenant, meter) references meter
);

create index prepaid_grant_end on prepaid_grant (tenant, expires_at);

-- The ledger. Positions of a customer count from 1 without gaps; a grant's balance is the sum of its movements and never below zero.
create table prepaid_movement (
  tenant text not null,
  customer text not null,
  position bigint not null,
  "grant" text not null references prepaid_grant,
  kind text not null check (kind in ('grant', 'burn', 'refund', 'expire', 'void', 'carry_over')),
  amount numeric not null check (amount <> 0),
  -- of the grant, after this movement
  balance numeric not null check (balance >= 0),
  -- the invoice that took it or gave it back, its line, and the earlier invoice (its number) whose usage changed
  invoice text references invoice,
  line text,
  adjusts text,
  booked_at timestamptz not null,
  primary key (tenant, customer, position),
  foreign key (tenant, customer) references prepaid_account
);
create index prepaid_movement_grant on prepaid_movement ("grant", position);
create unique index prepaid_movement_once on prepaid_movement (invoice, "grant", line, adjusts, kind) nulls not distinct
  where invoice is not null;

create function refuse_ledger_change() returns trigger language plpgsql as $$
begin
  raise exception 'the ledger of grants never changes' using errcode = 'ML002';
end $$;
create trigger prepaid_grant_is_immutable before update or delete on prepaid_grant for each row execute function refuse_ledger_change();
create trigger prepaid_movement_is_immutable before update or delete on prepaid_movement for each row execute function refuse_ledger_change();
