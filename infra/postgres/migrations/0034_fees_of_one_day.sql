-- A plan that is left on the day it came has its fees given back whole; the plan that the day ends with has a fee invoice of the same period. `part` counts
-- these from the second one on, and a credit note has that of its invoice.
alter table invoice drop constraint invoice_check;
alter table invoice add check ((usage_to is not null) = (kind = 'interim') and (part is not null or kind <> 'interim')
  and (part is null or kind in ('interim', 'fee', 'credit_note')));
