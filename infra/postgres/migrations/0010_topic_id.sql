-- The identity that Kafka gave the topic, kept when the topic is first opened: another topic of the same name holds other events.
alter table event_log add column topic_id text;
