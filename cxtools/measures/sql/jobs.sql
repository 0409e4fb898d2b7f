-- How did each job run?
-- grain:   one row per campaign x job (and value of each column it is split by)
-- params:  none
-- reads:   messages, all_messages, job_facts (one row per job that was sent from here)
-- columns: campaign, split, job_id, attempted, delivered, bounced, first_at, last_at (of any event), span_s (seconds
--          from the first to the last delivery or bounce, null without any),
--          delivery_median_s, delivery_p90_s (seconds from the job's first event to a message's delivery, null when nothing was delivered), latency_s
--          (seconds until the API was done with the job), spam_score (the API's; both null where it gives none)
with
starts as (       -- a job starts with the first of all its messages, whichever of them are asked about
    select campaign, job_id, seconds_between(cast('1970-01-01 00:00:00' as timestamp), min(first_at)) as start_s
    from all_messages
    group by campaign, job_id
),
seconds as (      -- one row per job and second of the clock, however many messages were delivered in it; null for those without a delivery
    select campaign, split, job_id,
           seconds_between(cast('1970-01-01 00:00:00' as timestamp), delivered_at) as at_s,
           count(*) as messages,
           count(*) filter (where attempted) as attempted,
           count(*) filter (where delivered) as delivered,
           count(*) filter (where bounced) as bounced,
           min(first_at) as first_at,
           max(last_at) as last_at,
           min(coalesce(delivered_at, bounced_at)) as first_end_at,
           max(coalesce(delivered_at, bounced_at)) as last_end_at
    from messages
    group by campaign, split, job_id, at_s
),
counts as (
    select campaign, split, job_id,
           cast(sum(attempted) as bigint) as attempted,
           cast(sum(delivered) as bigint) as delivered,
           cast(sum(bounced) as bigint) as bounced,
           min(first_at) as first_at,
           max(last_at) as last_at,
           min(first_end_at) as first_end_at,
           max(last_end_at) as last_end_at
    from seconds
    group by campaign, split, job_id
),
ranked as (       -- with how many came before it, and the next second in which there is anybody
    select campaign, split, job_id, at_s, messages,
           cast(sum(messages) over (partition by campaign, split, job_id order by at_s) as bigint) - messages as before,
           cast(sum(messages) over (partition by campaign, split, job_id) as bigint) as recipients,
           lead(at_s) over (partition by campaign, split, job_id order by at_s) as next_s
    from seconds
    where at_s is not null
),
places as (       -- a share's place among the recipients, counted from 0; between two of them, it is interpolated
    select ranked.*, percent, percent / 100e0 * (recipients - 1) as place
    from ranked
    cross join (values (50), (90)) as shares(percent)
),
points as (       -- the one row that holds the place, and how far it lies from there to the next second
    select campaign, split, job_id, percent, at_s,
           case when floor(place) + 1 < before + messages or next_s is null then 0e0
                else (place - floor(place)) * (next_s - at_s) end as further_s
    from places
    where floor(place) >= before and floor(place) < before + messages
),
waits as (
    select points.campaign, split, points.job_id,
           max(case when percent = 50 then at_s - start_s + further_s end) as delivery_median_s,
           max(case when percent = 90 then at_s - start_s + further_s end) as delivery_p90_s
    from points
    join starts on starts.campaign = points.campaign and starts.job_id = points.job_id
    group by points.campaign, split, points.job_id
)
select counts.campaign, counts.split, counts.job_id, attempted, delivered, bounced, first_at, last_at,
       seconds_between(first_end_at, last_end_at) as span_s,
       delivery_median_s,
       delivery_p90_s,
       latency_s,
       spam_score
from counts
left join waits
  on waits.campaign = counts.campaign and waits.job_id = counts.job_id and waits.split is not distinct from counts.split
left join job_facts on job_facts.job_id = counts.job_id
order by counts.campaign, counts.split, first_at nulls last, counts.job_id
