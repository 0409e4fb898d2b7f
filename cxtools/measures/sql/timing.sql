-- How fast do people open and click?
-- grain:   one row per campaign x kind (and value of each column it is split by)
-- params:  none
-- reads:   delays
-- columns: campaign, split, kind, recipients, delivered, p10_s, p25_s, median_s, p75_s, p90_s (seconds, null when there are none)
with
ranked as (       -- one row per second, with how many were faster, and the next second in which there is anybody
    select campaign, split, kind, delay_s, messages,
           cast(sum(messages) over (partition by campaign, split, kind order by delay_s nulls last) as bigint) - messages as faster,
           cast(sum(case when delay_s is null then 0 else messages end) over (partition by campaign, split, kind) as bigint) as recipients,
           lead(delay_s) over (partition by campaign, split, kind order by delay_s nulls last) as next_s
    from delays
),
places as (       -- a share's place among the recipients, counted from 0; between two of them, it is interpolated
    select ranked.*, percent, percent / 100e0 * (recipients - 1) as place
    from ranked
    cross join (values (10), (25), (50), (75), (90)) as shares(percent)
),
points as (       -- delay is there in the one row that holds the place
    select campaign, split, kind, percent, messages, delay_s,
           case when floor(place) < faster or floor(place) >= faster + messages then null
                when floor(place) + 1 < faster + messages or next_s is null then delay_s
                else delay_s + (place - floor(place)) * (next_s - delay_s) end as delay
    from places
)
select campaign, split, kind,
       cast(sum(case when percent = 50 and delay_s is not null then messages else 0 end) as bigint) as recipients,
       cast(sum(case when percent = 50 then messages else 0 end) as bigint) as delivered,
       max(case when percent = 10 then delay end) as p10_s,
       max(case when percent = 25 then delay end) as p25_s,
       max(case when percent = 50 then delay end) as median_s,
       max(case when percent = 75 then delay end) as p75_s,
       max(case when percent = 90 then delay end) as p90_s
from points
group by campaign, split, kind
order by campaign, split, kind desc
