-- Amounts at which a period that goes on is invoiced so far: see docs/adr/0044-invoice-thresholds.md.
alter table plan_version add column invoice_thresholds jsonb;

-- of a run that began because what is owed reached it
alter table invoice_run add column threshold numeric;
alter table invoice_run add check (threshold is null or (subscription is not null and not scheduled));
-- Whoever finds another level reached meanwhile raises the run that is there.
create unique index invoice_run_one_at_threshold on invoice_run (tenant, subscription) where threshold is not null and state = 'running';
