-- How much mail had to wait, and how long did it take until it was delivered?
-- grain:   one row per campaign (and value of each column it is split by)
-- params:  none
-- reads:   messages, counted_events, stored_counts
-- columns: campaign, split, attempted, waiting (told to come again later, and no final word yet), messages (both together), deferred (of these, told to
--          come again later at least once), deferrals (how often that was said), delivered,
--          timed (delivered ones of which a sending or a deferral before the delivery is told), median_s, p90_s (seconds from the first of these to
--          the delivery, within which half and nine tenths came, interpolated as in timing.sql; null without any); deferred_measured (null where
--          the campaign's events hold no deferral at all, whatever the moment)
with
waits as (        -- one row per message of which such an event is told
    select campaign, message_key,
           count(*) filter (where kind = 'deferral') as deferrals,
           min(ts) as waits_since
    from counted_events
    where kind in ('sent', 'deferral') and message_key is not null
    group by campaign, message_key
),
told as (
    select messages.campaign, split, attempted, delivered, coalesce(deferrals, 0) as deferrals,
           case when delivered and waits_since <= delivered_at then seconds_between(waits_since, delivered_at) end as delay_s
    from messages
    left join waits on waits.campaign = messages.campaign and waits.message_key = messages.message_key
),
alike as (        -- one row per second of waiting
    select campaign, split, delay_s,
           count(*) as messages,
           count(*) filter (where attempted) as attempted,
           count(*) filter (where not attempted and deferrals > 0) as waiting,
           count(*) filter (where attempted or deferrals > 0) as attempted_or_waiting,
           count(*) filter (where deferrals > 0) as deferred,
           sum(deferrals) as deferrals,
           count(*) filter (where delivered) as delivered
    from told
    group by campaign, split, delay_s
),
in_order as (     -- with how many waited for less, and the next second in which there is anybody
    select alike.*,
           sum(messages) over (partition by campaign, split order by delay_s nulls last) - messages as faster,
           sum(case when delay_s is null then 0 else messages end) over (partition by campaign, split) as timed,
           lead(delay_s) over (partition by campaign, split order by delay_s nulls last) as next_s
    from alike
),
places as (       -- a share's place among the timed, counted from 0; between two of them, it is interpolated
    select in_order.*, 0.5e0 * (timed - 1) as half, 0.9e0 * (timed - 1) as nine_tenths
    from in_order
),
points as (       -- what lies there is in the one row that holds the place
    select places.*,
           case when floor(half) < faster or floor(half) >= faster + messages then null
                when floor(half) + 1 < faster + messages or next_s is null then delay_s
                else delay_s + (half - floor(half)) * (next_s - delay_s) end as median_s,
           case when floor(nine_tenths) < faster or floor(nine_tenths) >= faster + messages then null
                when floor(nine_tenths) + 1 < faster + messages or next_s is null then delay_s
                else delay_s + (nine_tenths - floor(nine_tenths)) * (next_s - delay_s) end as p90_s
    from places
),
counts as (
    select campaign, split,
           cast(sum(attempted) as bigint) as attempted,
           cast(sum(waiting) as bigint) as waiting,
           cast(sum(attempted_or_waiting) as bigint) as messages,
           cast(sum(deferred) as bigint) as deferred,
           cast(sum(deferrals) as bigint) as deferrals,
           cast(sum(delivered) as bigint) as delivered,
           cast(max(timed) as bigint) as timed,
           max(median_s) as median_s,
           max(p90_s) as p90_s
    from points
    group by campaign, split
)
select counts.campaign, split, attempted, waiting, messages, deferred, counts.deferrals, delivered, timed, median_s, p90_s,
       case when stored_counts.deferrals > 0 then deferred end as deferred_measured
from counts
join stored_counts on stored_counts.campaign = counts.campaign
where messages > 0
order by counts.campaign, split
