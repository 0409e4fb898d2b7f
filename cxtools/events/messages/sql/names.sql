-- By which ids and address do events name their message and its recipient, where that leaves a doubt?
-- grain:   one row per message id, recipient id and address that stand together
-- params:  events  that name them
-- reads:   its params, doubtful_names
-- columns: message_key (as the event has it), message_id, recipient_id, email ("" where the events have none),
--          is_sent (one of them is a sending or a delivery)
select message_key, message_id, recipient_id, email,
       bool_or(kind in ('sent', 'delivery')) as is_sent
from {events} as events
semi join doubtful_names using (message_key)
group by message_key, message_id, recipient_id, email
