-- Merges wait for more parts than by default, so that a row is rewritten less often.
alter table refused_event modify setting merge_selector_base = 10
