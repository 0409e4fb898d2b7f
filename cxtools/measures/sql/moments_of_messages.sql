-- When were the messages sent that are asked about, as far as that can be told?
-- grain:   one row per message
-- params:  none
-- reads:   messages, unsent_of_all (as in unsent_moments.sql, of all messages)
-- columns: campaign, split, attempted, delivered, reached, clicked, messages (1), sent_at (as in sending_moments.sql)
select messages.campaign, split, attempted, delivered, reached, clicked, 1 as messages,
       coalesce(unsent_of_all.sent_at, messages.first_at) as sent_at
from messages
left join unsent_of_all on unsent_of_all.campaign = messages.campaign and unsent_of_all.message_key = messages.message_key
