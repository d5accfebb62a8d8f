-- What a customer agreed on in place of the price of a rate card of a plan, from `valid_from` up to `valid_until`, known since `known_since`; or (`ends`) that
-- one of them ends at `valid_from` already. `revision` counts the rows of a customer in the order they were entered: whoever saw the first n of them says
-- so with one number, and sees the same again later.
create table negotiated_price (
  tenant text not null,
  customer text not null,
  revision integer not null,
  plan text not null,
  rate_card text not null,
  meter text,
  valid_from timestamptz not null,
  valid_until timestamptz,
  known_since timestamptz not null,
  -- null = as in the plan version
  price jsonb,
  modifiers jsonb,
  note text,
  ends integer,
  primary key (tenant, customer, revision),
  foreign key (tenant, customer) references customer,
  foreign key (tenant, plan) references plan,
  foreign key (tenant, customer, ends) references negotiated_price,
  check (valid_until > valid_from),
  check ((ends is null) = (price is not null or modifiers is not null))
);

create trigger negotiated_price_is_immutable before update or delete on negotiated_price for each row execute function refuse_price_history();
create trigger audited after insert or update or delete on negotiated_price
  for each row execute function audit_object('customer,revision');
