-- Which messages that the new events touch does the layer hold already, and of which jobs are they there?
-- grain:   one row per message
-- params:  none
-- reads:   base_messages, new_messages
-- columns: message_key, job_id
select message_key, job_id
from base_messages
semi join new_messages using (message_key)
