-- How long after delivery did the first open and the first click come, and how often was it that long?
-- grain:   one row per campaign x kind (open, click) x second (and value of each column it is split by)
-- params:  none
-- reads:   message_delays
-- columns: campaign, split, kind, delay_s (seconds, 0 where clocks put it before the delivery; null when it never came), messages (delivered
--          ones)
with
alike as (        -- the messages are read once
    select campaign, split, open_delay_s, click_delay_s, count(*) as messages
    from message_delays
    where delivered
    group by campaign, split, open_delay_s, click_delay_s
)
select campaign, split, 'open' as kind, open_delay_s as delay_s, cast(sum(messages) as bigint) as messages
from alike
group by campaign, split, open_delay_s
union all
select campaign, split, 'click' as kind, click_delay_s as delay_s, cast(sum(messages) as bigint) as messages
from alike
group by campaign, split, click_delay_s
