-- What happened to the messages that are irregular?
-- grain:   one row per event
-- params:  events to choose from, irregular the messages
-- reads:   its params
-- columns: those of events.sql that messages are made of
select message_key, job_id, email, kind, raw_kind, by_machine, ts, counted_at, link_url
from {events}
semi join {irregular} using (message_key)
