-- How long after delivery did the first open and the first click come, and how often was it that long?
-- grain:   one row per campaign x kind (open, click) x second (and value of each column it is split by)
-- params:  none
-- reads:   messages
-- columns: campaign, split, kind, delay_s (seconds, 0 where clocks put it before the delivery; null when it never came), messages (delivered
--          ones)
with
opens as (        -- one row per second, however many messages there are
    select campaign, split, 'open' as kind, seconds_between(delivered_at, first_open_at) as since_s, count(*) as messages
    from messages
    where delivered
    group by campaign, split, since_s
),
clicks as (
    select campaign, split, 'click' as kind, seconds_between(delivered_at, first_click_at) as since_s, count(*) as messages
    from messages
    where delivered
    group by campaign, split, since_s
),
both_kinds as (
    select * from opens
    union all
    select * from clicks
)
select campaign, split, kind,
       case when since_s < 0 then 0 else since_s end as delay_s,
       cast(sum(messages) as bigint) as messages
from both_kinds
group by campaign, split, kind, delay_s
