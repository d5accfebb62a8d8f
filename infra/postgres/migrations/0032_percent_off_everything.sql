-- A percentage off all rate cards of a plan (`rate_card` null), or of all plans (`plan` null too); then `modifiers` holds it alone. An end names what it ends.
alter table negotiated_price
  alter column plan drop not null,
  alter column rate_card drop not null,
  add check (plan is not null or rate_card is null),
  add check (rate_card is not null or ends is not null or (price is null and meter is null and modifiers ? 'percentOff'));
