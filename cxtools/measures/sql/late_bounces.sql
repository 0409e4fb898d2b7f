-- Which messages were taken and sent back later, why, and how much later?
-- grain:   one row per campaign x category x kind (and value of each column it is split by)
-- params:  none
-- reads:   messages
-- columns: campaign, split, category, kind, recipients (bounced after a delivery), taken (delivered, and bounced after a delivery, for any cause),
--          median_s, p90_s (seconds from the first delivery to the bounce, within which half and nine tenths came, interpolated as in timing.sql; null
--          where no moment is known)
with
taken as (
    select campaign, split, count(*) as taken
    from messages
    where delivered or late_bounced
    group by campaign, split
),
late as (
    select campaign, split, category, bounce_kind as kind, seconds_between(delivered_at, bounced_at) as delay_s
    from messages
    where late_bounced
),
in_order as (     -- counted from 0
    select campaign, split, category, kind, delay_s,
           row_number() over (partition by campaign, split, category, kind order by delay_s nulls last) - 1 as nth,
           count(delay_s) over (partition by campaign, split, category, kind) as known,
           lead(delay_s) over (partition by campaign, split, category, kind order by delay_s nulls last) as next_s
    from late
),
points as (       -- what lies at the place of a share; between two bounces, it is interpolated
    select campaign, split, category, kind,
           case when nth = floor(0.5e0 * (known - 1)) then delay_s + (0.5e0 * (known - 1) - nth) * (coalesce(next_s, delay_s) - delay_s) end as median_s,
           case when nth = floor(0.9e0 * (known - 1)) then delay_s + (0.9e0 * (known - 1) - nth) * (coalesce(next_s, delay_s) - delay_s) end as p90_s
    from in_order
),
causes as (
    select campaign, split, category, kind,
           count(*) as recipients,
           max(median_s) as median_s,
           max(p90_s) as p90_s
    from points
    group by campaign, split, category, kind
)
select causes.campaign, causes.split, category, kind, recipients, taken, median_s, p90_s
from causes
join taken on taken.campaign = causes.campaign and taken.split is not distinct from causes.split
order by causes.campaign, causes.split, recipients desc, category, kind
