-- Phases that subscriptions to a plan version begin with: see docs/adr/0038-phases-and-trials.md.
alter table plan_version add column phases jsonb not null default '[]';

-- Whatever the vendor's payment provider calls it; null = none. A trial may convert only with one.
alter table customer add column payment_method text;

-- A `trial` amends the phases of another change, which it names.
alter table subscription_change drop constraint subscription_change_kind_check;
alter table subscription_change add constraint subscription_change_kind_check
  check (kind in ('start', 'plan', 'quantity', 'pause', 'resume', 'cancel', 'resubscribe', 'trial'));

alter table subscription_stage
  -- of the plan version; null = behind its phases
  add column phase text,
  -- local midnight at which the phase is over, in this stage or a later one
  add column phase_until timestamptz,
  -- when its end is told of beforehand; null = the phase is no trial
  add column trial_reminds_at timestamptz;
create index subscription_stage_trial on subscription_stage (tenant, plan, subscription) where trial_reminds_at is not null;

-- What is to be told of trials and when, made anew with the stages it follows from. A row that was told stays: the key is why nothing is told twice.
create table trial_notice (
  tenant text not null references tenant,
  subscription text not null references subscription,
  kind text not null check (kind in ('will_end', 'ended')),
  trial_until timestamptz not null,
  due_at timestamptz not null,
  -- of `ended`: what became of the subscription
  outcome text check (outcome in ('converted', 'moved', 'expired', 'cancelled')),
  told_at timestamptz,
  primary key (tenant, subscription, kind, trial_until)
);
create index trial_notice_due on trial_notice (tenant, due_at) where told_at is null;
