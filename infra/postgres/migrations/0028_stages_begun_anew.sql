-- Whether the days before a stage are invoiced, so that billing begins with it anew even where nothing else tells it from the stage before: a change of plan
-- that was taken back on its own day.
alter table subscription_stage add column anew boolean not null default false;
