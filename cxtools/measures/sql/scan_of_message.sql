-- What became of each message, and did a scanner follow its links?
-- grain:   one row per message
-- params:  none
-- reads:   all_messages_as_told, scanned_messages (those of the campaigns that suspect_messages.sql names, whatever is asked about)
-- columns: those of all_messages.sql; scanned (yes, no)
select messages.*, case when scanned_messages.message_key is null then 'no' else 'yes' end as scanned
from all_messages_as_told as messages
left join scanned_messages
  on scanned_messages.campaign = messages.campaign and scanned_messages.message_key = messages.message_key
