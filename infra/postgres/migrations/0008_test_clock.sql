-- A test clock that all processes share: so much ahead of the machines' time. No row: the machines' own time.
create table test_clock (
  "only" boolean primary key default true check ("only"),
  shift_ms bigint not null
);
