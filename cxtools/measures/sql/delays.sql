-- How long after delivery did the first open and the first click come, and how often was it that long?
-- grain:   one row per campaign x kind (open, click) x second (and value of each column it is split by)
-- params:  none
-- reads:   message_delays, states
-- columns: campaign, split, kind, delay_s (seconds, 0 where clocks put it before the delivery; null when it never came), messages (delivered
--          ones)
with
opens as (
    select campaign, split, open_delay_s as delay_s, count(*) as messages
    from message_delays
    where open_delay_s is not null
    group by campaign, split, open_delay_s
),
clicks as (
    select campaign, split, click_delay_s as delay_s, count(*) as messages
    from message_delays
    where click_delay_s is not null
    group by campaign, split, click_delay_s
),
known as (
    select campaign, split, 'open' as kind, delay_s, messages from opens
    union all
    select campaign, split, 'click' as kind, delay_s, messages from clicks
),
totals as (
    select campaign, split, sum(messages) as messages
    from states
    where delivered
    group by campaign, split
),
others as (       -- fewer did anything than did nothing: those are what is left of the total
    select campaign, split, kind, cast(sum(messages) as bigint) as messages
    from (select campaign, split, kind, messages from totals cross join (values ('open'), ('click')) as kinds(kind)
          union all
          select campaign, split, kind, -messages as messages from known) as all_without_known
    group by campaign, split, kind
)
select campaign, split, kind, delay_s, messages from known
union all
select campaign, split, kind, cast(null as bigint) as delay_s, messages from others
