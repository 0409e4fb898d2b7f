-- How much mail had to wait, and how long did it take until it was delivered?
-- grain:   one row per campaign (and value of each column it is split by)
-- params:  none
-- reads:   messages, counted_events, events
-- columns: campaign, split, attempted, waiting, messages, deferred, deferrals, delivered, timed, median_s, p90_s, deferred_measured
with
said as (
    select messages.campaign, split, attempted, delivered, delivered_at,
           (select count(*) from counted_events as e
            where e.campaign = messages.campaign and e.message_id = messages.message_id and e.who = messages.who and e.kind = 'deferral') as times,
           (select min(ts) from counted_events as e
            where e.campaign = messages.campaign and e.message_id = messages.message_id and e.who = messages.who and e.kind in ('deferral', 'sent')) as since
    from messages
),
waits as (
    select said.*, case when delivered and since <= delivered_at then date_diff('second', since, delivered_at) end as delay_s from said
)
select campaign, split,
       count(*) filter (where attempted) as attempted,
       count(*) filter (where times > 0 and not attempted) as waiting,
       count(*) filter (where attempted or times > 0) as messages,
       count(*) filter (where times > 0) as deferred,
       coalesce(sum(times), 0)::bigint as deferrals,
       count(*) filter (where delivered) as delivered,
       count(delay_s) as timed,
       quantile_cont(delay_s, 0.5) as median_s,
       quantile_cont(delay_s, 0.9) as p90_s,
       case when exists (from events where events.campaign = waits.campaign and kind = 'deferral') then count(*) filter (where times > 0) end as deferred_measured
from waits
group by campaign, split
having messages > 0
order by campaign, split
