-- Which new events may have the moment of one that the layer holds, by the first and last of their message?
-- grain:   one row per message and moment; message 0 stands for nobody's
-- params:  none
-- reads:   counted_events, known_messages
-- columns: message_key, moment
select distinct message_key, coalesce(ts, timestamp '1970-01-01') as moment
from counted_events
join known_messages using (message_key)
where ts between first_event_at and last_event_at
   or (ts is null and undated > 0)
union all
select distinct cast(0 as bigint) as message_key, coalesce(ts, timestamp '1970-01-01') as moment
from counted_events
where message_key is null
