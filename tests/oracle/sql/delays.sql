-- How long after delivery did the first open and the first click come?
-- grain:   one row per delivered message x kind (open, click)
-- params:  none
-- reads:   messages
-- columns: campaign, split, kind, delay_s (seconds, 0 where clocks put it before the delivery; null when it never came)
select campaign, split, 'open' as kind,
       case when date_diff('second', delivered_at, first_open_at) < 0 then 0
            else date_diff('second', delivered_at, first_open_at) end as delay_s
from messages
where delivered
union all
select campaign, split, 'click' as kind,
       case when date_diff('second', delivered_at, first_click_at) < 0 then 0
            else date_diff('second', delivered_at, first_click_at) end as delay_s
from messages
where delivered
