-- Which messages had an event by the cut, and another one after it?
-- grain:   one row per message whose row tells what it was at the cut, but not its last event by then
-- params:  none
-- reads:   stored_messages, cuts
-- columns: campaign, message_key
select stored.campaign, message_key
from stored_messages as stored
join cuts on cuts.campaign = stored.campaign
where not is_irregular and first_event_at <= until and last_event_at > until
