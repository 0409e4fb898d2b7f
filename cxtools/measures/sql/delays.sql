-- How long after delivery did the first open and the first click come, and how often was it that long?
-- grain:   one row per campaign x kind (open, click) x second (and value of each column it is split by)
-- params:  none
-- reads:   messages, states
-- columns: campaign, split, kind, delay_s (seconds, 0 where clocks put it before the delivery; null when it never came), messages (delivered
--          ones)
with
opens as (
    select campaign, split,
           case when first_open_at < delivered_at then 0 else seconds_between(delivered_at, first_open_at) end as delay_s,
           count(*) as messages
    from messages
    where delivered and first_open_at is not null and delivered_at is not null
    group by campaign, split, delay_s
),
clicks as (
    select campaign, split,
           case when first_click_at < delivered_at then 0 else seconds_between(delivered_at, first_click_at) end as delay_s,
           count(*) as messages
    from messages
    where delivered and first_click_at is not null and delivered_at is not null
    group by campaign, split, delay_s
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
