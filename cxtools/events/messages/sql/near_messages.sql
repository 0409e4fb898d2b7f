-- Which messages had an event at the moment of a new one?
-- grain:   one row per message
-- params:  none
-- reads:   base_received, near_events
-- columns: message_key
select distinct message_key
from (select message_key, coalesce(ts, timestamp '1970-01-01') as moment from base_received) as base
semi join near_events using (message_key, moment)
