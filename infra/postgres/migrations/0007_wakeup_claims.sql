-- Several rating workers share the rows: one that took a row is left alone with it until the claim lapses.
alter table rating_wakeup
  add column claimed_by text,
  add column claimed_until timestamptz;
