-- Which messages that the layer holds have the new events made irregular?
-- grain:   one row per message
-- params:  none
-- reads:   made_messages, known_messages
-- columns: message_key
select message_key
from made_messages
semi join (select message_key from known_messages where not is_irregular) as regular using (message_key)
where is_irregular
