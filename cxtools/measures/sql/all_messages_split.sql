-- Which messages are asked about, and what are they split by?
-- grain:   one row per message
-- params:  none
-- reads:   all_messages, messages
-- columns: those of all_messages.sql; split (null for those that aren't asked about), is_asked
select all_messages.*, messages.split, messages.message_key is not null as is_asked
from all_messages
left join messages on messages.campaign = all_messages.campaign and messages.message_key = all_messages.message_key
