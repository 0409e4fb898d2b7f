-- How long after its delivery did a message's first open and first click come?
-- grain:   one row per message that is asked about
-- params:  none
-- reads:   messages
-- columns: those of messages; open_delay_s, click_delay_s (seconds, 0 where clocks put it before the delivery; null when it never came, or
--          the message wasn't delivered)
select messages.*,
       case when delivered and first_open_at < delivered_at then 0
            when delivered then seconds_between(delivered_at, first_open_at) end as open_delay_s,
       case when delivered and first_click_at < delivered_at then 0
            when delivered then seconds_between(delivered_at, first_click_at) end as click_delay_s
from messages
