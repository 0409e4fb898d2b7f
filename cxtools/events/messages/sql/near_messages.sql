-- Which messages had an event at the moment of a new one?
-- grain:   one row per message; 0 stands for nobody's
-- params:  none
-- reads:   base_rows (what the layer holds, each with the key of its message), near_events
-- columns: message_key
select distinct message_key
from (select coalesce(message_key, 0) as message_key, coalesce(ts, timestamp '1970-01-01') as moment from base_rows) as held
semi join near_events using (message_key, moment)
