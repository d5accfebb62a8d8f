-- What a plan version has its subscribers spend at least or at most, and what a subscription agreed on when it was made: null = nothing.
alter table plan_version add column commitment jsonb;
alter table subscription add column commitment jsonb;

-- `period`: of a billing period that has ended. `advance`: of a committed minimum that is paid before it is used, when its term begins.
alter table invoice add column kind text not null default 'period' check (kind in ('period', 'advance'));
alter table invoice drop constraint invoice_tenant_subscription_period_from_key;
alter table invoice add unique (tenant, subscription, kind, period_from);
