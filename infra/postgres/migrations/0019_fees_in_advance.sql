-- What becomes of the time that a fee paid for and that lies after the end of the subscription.
alter table plan_version add column unused_time text not null default 'credit' check (unused_time in ('credit', 'refund', 'none'));

-- `fee`: of the fees that are due when their period begins. `credit_note`: what of such an invoice is given back; its period is that of the invoice.
alter table invoice drop constraint invoice_kind_check;
alter table invoice add check (kind in ('period', 'advance', 'fee', 'credit_note'));

-- the only subscription that the run looks at; null: all
alter table invoice_run add column subscription text references subscription;
