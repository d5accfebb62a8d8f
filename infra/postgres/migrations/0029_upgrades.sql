-- A change to a better plan in checked steps, which can be taken back (docs/adr/0043-upgrades-in-steps.md).
create table subscription_upgrade (
  id text primary key,
  tenant text not null references tenant,
  subscription text not null references subscription,
  state text not null check (state in ('running', 'done', 'failed', 'rolled_back')),
  -- what the switch executes: the token of a preview
  token text not null,
  -- of the change that the switch makes
  change text,
  -- how everything stood before: {version, terms, quantities, usage, features, alertRules}
  snapshot jsonb not null,
  -- what usage costs beside the fees: [{rateCard, name, meter, quantity, amount}]
  extra_costs jsonb not null,
  -- [{step, checks: [{check, passed, message}]}]
  steps jsonb not null,
  created_at timestamptz not null,
  -- until then it is taken back on request
  grace_until timestamptz not null,
  finished_at timestamptz
);
create unique index subscription_upgrade_one_running on subscription_upgrade (tenant, subscription) where state = 'running';
create index subscription_upgrade_newest on subscription_upgrade (tenant, subscription, id);
create trigger audited after insert or update or delete on subscription_upgrade for each row execute function audit_object('id');
