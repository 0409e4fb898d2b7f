-- When was the last event by the cut of each message that had a later one?
-- grain:   one row per message; a few others, of which a part has a row twice, may be among them
-- params:  none
-- reads:   counted_events_of_later (up to the cut)
-- columns: campaign, message_key, last_at
select campaign, message_key, max(ts) as last_at
from counted_events_of_later
group by campaign, message_key
