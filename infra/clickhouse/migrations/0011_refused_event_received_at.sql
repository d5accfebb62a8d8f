-- When it entered the log by its tenant's time, which is another one in a sandbox. `appended_at` stays the server's.
alter table refused_event add column if not exists received_at DateTime64(3, 'UTC') default appended_at after appended_at
