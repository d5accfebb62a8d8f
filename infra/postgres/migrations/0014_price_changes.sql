-- Another price of a rate card from `valid_from` on, known since `known_since`. `revision` counts the changes of a plan version in the order they
-- were entered: whoever saw the first n of them says so with one number, and sees the same again later.
create table price_change (
  tenant text not null,
  plan text not null,
  plan_version integer not null,
  revision integer not null,
  rate_card text not null,
  valid_from timestamptz not null,
  known_since timestamptz not null,
  price jsonb not null,
  modifiers jsonb,
  primary key (tenant, plan, plan_version, revision),
  foreign key (tenant, plan, plan_version) references plan_version
);

create function refuse_price_history() returns trigger language plpgsql as $$
begin
  raise exception 'an entered price change never changes' using errcode = 'ML002';
end $$;
create trigger price_change_is_immutable before update or delete on price_change for each row execute function refuse_price_history();

-- Revision of its newest price change: 0 = none.
alter table plan_version add column price_revision integer not null default 0;
