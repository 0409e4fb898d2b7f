-- Which messages have the new events made irregular?
-- grain:   one row per message
-- params:  none
-- reads:   made_messages, base_messages, new_messages
-- columns: message_key
select message_key
from made_messages
semi join new_messages using (message_key)
anti join (select message_key from base_messages where is_irregular) as before using (message_key)
where is_irregular
