-- When was each message sent, as far as that can be told?
-- grain:   one row per message
-- params:  none
-- reads:   all_messages_by_kind, unsent_moments
-- columns: those of all_messages_by_kind; sent_at (its own first_at where a sending or a delivery is told of it; else the last such moment
--          of its job, or of the campaign's mail without a job, before its first event; else its first event)
select messages.*, coalesce(unsent_moments.sent_at, messages.first_at) as sent_at
from all_messages_by_kind as messages
left join unsent_moments on unsent_moments.campaign = messages.campaign and unsent_moments.message_key = messages.message_key
