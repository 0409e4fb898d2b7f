-- Which messages had an event at the moment of a new one?
-- grain:   one row per message
-- params:  none
-- reads:   base_events, counted_events
-- columns: message_key
select distinct message_key
from (select coalesce(message_key, 0) as message_key, coalesce(ts, timestamp '1970-01-01') as moment from base_events) as base
semi join (select coalesce(message_key, 0) as message_key, coalesce(ts, timestamp '1970-01-01') as moment from counted_events) as new
    using (message_key, moment)
