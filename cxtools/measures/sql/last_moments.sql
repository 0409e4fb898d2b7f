-- When was the last event of each message whose last one of all came after the cut?
-- grain:   one row per message
-- params:  none
-- reads:   counted_events (up to the cut), stored_messages, cuts
-- columns: campaign, message_key, last_at
select campaign, message_key, max(ts) as last_at
from counted_events
semi join (
    select stored.campaign, message_key
    from stored_messages as stored
    join cuts on cuts.campaign = stored.campaign
    where first_event_at <= until and last_event_at > until
) as later using (campaign, message_key)
group by campaign, message_key
