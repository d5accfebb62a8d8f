-- While a secret is rotated the old one signs along, so that receivers can change over without missing anything.
alter table webhook_endpoint
  add column previous_secret text,
  add column previous_secret_until timestamptz,
  -- a removed endpoint stays for the deliveries that name it; its secrets do not
  add column removed_at timestamptz;

-- What is due is looked for endpoint by endpoint. The index by time alone must go: with it the planner walks every due delivery for
-- every endpoint (850 ms instead of 8 ms with 1,000 endpoints). Deliveries of a disabled endpoint wait with next_attempt_at = null.
drop index webhook_delivery_due;
create index webhook_delivery_due on webhook_delivery (endpoint, next_attempt_at) where state = 'pending';
create index webhook_delivery_newest on webhook_delivery (tenant, id);
