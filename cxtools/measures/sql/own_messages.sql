-- Which messages went to one person?
-- grain:   one row per message
-- params:  none
-- reads:   stored_messages, wanted_person
-- columns: campaign, message_key
select campaign, message_key
from stored_messages
where lower(email) = (select lower(email) from wanted_person)
