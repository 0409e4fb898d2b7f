-- How far did the messages get that the new events touch, by what the layer knew?
-- grain:   one row per message
-- params:  none
-- reads:   base_messages (in the order of their jobs, so that most are passed over), known_keys
-- columns: those of finished_messages.sql
select *
from base_messages
semi join (select distinct job_id from known_keys) as known_jobs using (job_id)
semi join known_keys using (message_key)
