-- What an aggregation needs to know beside its value (null: nothing), and how windows are folded.
alter table meter add column level jsonb, add column session jsonb, add column fold jsonb;
