-- How long after delivery did the first open and the first click come, and how often was it that long?
-- grain:   one row per campaign x kind (open, click) x second (and value of each column it is split by)
-- params:  none
-- reads:   messages
-- columns: campaign, split, kind, delay_s (seconds, 0 where clocks put it before the delivery; null when it never came), messages (delivered
--          ones)
with
opens as (
    select campaign, split,
           case when first_open_at < delivered_at then 0 else seconds_between(delivered_at, first_open_at) end as delay_s,
           count(*) as messages
    from messages
    where delivered
    group by campaign, split, delay_s
),
clicks as (       -- few click: those who never did are the others
    select campaign, split,
           case when first_click_at < delivered_at then 0 else seconds_between(delivered_at, first_click_at) end as delay_s,
           count(*) as messages
    from messages
    where delivered and first_click_at is not null and delivered_at is not null
    group by campaign, split, delay_s
),
others as (
    select campaign, split, cast(sum(messages) as bigint) as messages
    from (select campaign, split, messages from opens
          union all
          select campaign, split, -messages as messages from clicks) as delivered_without_clickers
    group by campaign, split
)
select campaign, split, 'open' as kind, delay_s, messages from opens
union all
select campaign, split, 'click' as kind, delay_s, messages from clicks
union all
select campaign, split, 'click' as kind, cast(null as bigint) as delay_s, messages from others
