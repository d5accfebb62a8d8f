-- What a subscription is by its days. A change is an entry: what holds from an instant's local day on, perhaps until another day; the stages follow from
-- the changes that stand (docs/adr/0036-subscription-stages.md), and are kept because everything that bills reads them.
create table subscription_change (
  id text primary key,
  tenant text not null references tenant,
  subscription text not null references subscription,
  -- 1, 2, ... in the order they were made: of two that begin on one day the later one holds
  seq integer not null,
  kind text not null check (kind in ('start', 'plan', 'quantity', 'pause', 'resume', 'cancel', 'resubscribe')),
  -- holds from the local day of this instant on; a `cancel` bills through it
  from_at timestamptz not null,
  -- local midnight at which it stops to hold; null = never
  until_at timestamptz,
  -- what holds: terms, quantities, fee, paysWhole
  details jsonb not null,
  created_at timestamptz not null,
  withdrawn_at timestamptz,
  unique (tenant, subscription, seq)
);

create table subscription_stage (
  tenant text not null references tenant,
  subscription text not null references subscription,
  -- the first one: the start of the subscription; others: a local midnight
  from_at timestamptz not null,
  -- local midnight, exclusive; null = until the subscription ends
  until_at timestamptz,
  -- where the subscription had ended before it began again: the end of then
  ends_at timestamptz,
  plan text not null,
  plan_version integer not null,
  commitment jsonb,
  -- by rate card: how many of a fee
  quantities jsonb not null default '{}',
  paused boolean not null default false,
  -- whether its first billing period pays its fees whole
  pays_whole boolean not null default false,
  -- due on the invoice of its first day: [{key, name, amount}]
  change_fees jsonb not null default '[]',
  change text not null references subscription_change,
  primary key (tenant, subscription, from_at),
  foreign key (tenant, plan, plan_version) references plan_version,
  check (until_at > from_at)
);
create index subscription_stage_plan on subscription_stage (tenant, plan);

insert into subscription_change (id, tenant, subscription, seq, kind, from_at, details, created_at)
select 'chg_' || regexp_replace(id, '^sub_', ''), tenant, id, 1, 'start', starts_at,
  jsonb_build_object('terms', jsonb_build_object('plan', plan, 'planVersion', plan_version, 'commitment', commitment)), created_at
from subscription;
insert into subscription_change (id, tenant, subscription, seq, kind, from_at, details, created_at)
select 'chg_' || regexp_replace(id, '^sub_', '') || '_end', tenant, id, 2, 'cancel', ends_at, '{}', created_at
from subscription where ends_at is not null;
insert into subscription_stage (tenant, subscription, from_at, plan, plan_version, commitment, change)
select tenant, id, starts_at, plan, plan_version, commitment, 'chg_' || regexp_replace(id, '^sub_', '') from subscription;

-- Counts the changes: whoever decided by one version changes nothing that was decided by another.
alter table subscription add column version integer not null default 1;
alter table subscription drop column plan, drop column plan_version, drop column commitment;

-- What a plan version asks of changes of the subscriptions under it: null = nothing.
alter table plan_version add column change_rules jsonb;

drop trigger audited on subscription;
create trigger audited after insert or update or delete on subscription for each row execute function audit_object('id', 'version');
create trigger audited after insert or update or delete on subscription_change for each row execute function audit_object('id');
create trigger audited after insert or update or delete on subscription_stage
  for each row execute function audit_object('subscription,from_at');
