-- `interim`: of the usage so far of a period that goes on; `part` counts them within it, usage before `usage_to` is billed.
alter table invoice drop constraint invoice_kind_check;
alter table invoice add check (kind in ('period', 'advance', 'fee', 'interim', 'credit_note'));
alter table invoice add column part integer;
alter table invoice add column usage_to timestamptz;
alter table invoice add check ((part is not null) = (kind = 'interim') and (usage_to is not null) = (kind = 'interim'));
alter table invoice drop constraint invoice_tenant_subscription_kind_period_from_key;
alter table invoice add unique nulls not distinct (tenant, subscription, kind, period_from, part);
