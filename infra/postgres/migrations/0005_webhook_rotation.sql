-- While a secret is rotated the old one signs along, so that receivers can change over without missing anything.
alter table webhook_endpoint
  add column previous_secret text,
  add column previous_secret_until timestamptz,
  -- a removed endpoint stays for the deliveries that name it; its secrets do not
  add column removed_at timestamptz;

-- Deliveries of a disabled endpoint wait with next_attempt_at = null, so that both indexes hold only what will come due.
create index webhook_delivery_due_by_endpoint on webhook_delivery (endpoint, next_attempt_at) where state = 'pending';
create index webhook_delivery_newest on webhook_delivery (tenant, id);
