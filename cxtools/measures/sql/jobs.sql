-- How did each job run?
-- grain:   one row per campaign x job (and value of each column it is split by)
-- params:  none
-- reads:   messages, all_messages
-- columns: campaign, split, job_id, attempted, delivered, bounced, first_at, last_at (of any event), span_s (seconds
--          from the first to the last delivery or bounce, null without any),
--          delivery_median_s, delivery_p90_s (seconds from the job's first event to a message's delivery, null when nothing was delivered)
with
starts as (       -- a job starts with the first of all its messages, whichever of them are asked about
    select campaign, job_id, min(first_at) as started_at from all_messages group by campaign, job_id
),
counts as (
    select campaign, split, job_id,
           count(*) filter (where attempted) as attempted,
           count(*) filter (where delivered) as delivered,
           count(*) filter (where bounced) as bounced,
           min(first_at) as first_at,
           max(last_at) as last_at,
           seconds_between(min(coalesce(delivered_at, bounced_at)), max(coalesce(delivered_at, bounced_at))) as span_s
    from messages
    group by campaign, split, job_id
),
waits as (        -- one row per job and second, however many messages there are
    select messages.campaign, split, messages.job_id, seconds_between(started_at, delivered_at) as wait_s, count(*) as messages
    from messages
    join starts on starts.campaign = messages.campaign and starts.job_id = messages.job_id
    where delivered_at is not null
    group by messages.campaign, split, messages.job_id, wait_s
),
ranked as (       -- with how many were faster, and the next second in which there is anybody
    select campaign, split, job_id, wait_s, messages,
           cast(sum(messages) over (partition by campaign, split, job_id order by wait_s) as bigint) - messages as faster,
           cast(sum(messages) over (partition by campaign, split, job_id) as bigint) as recipients,
           lead(wait_s) over (partition by campaign, split, job_id order by wait_s) as next_s
    from waits
),
places as (       -- a share's place among the recipients, counted from 0; between two of them, it is interpolated
    select ranked.*, percent, percent / 100e0 * (recipients - 1) as place
    from ranked
    cross join (values (50), (90)) as shares(percent)
),
points as (
    select campaign, split, job_id,
           max(case when percent = 50 then wait end) as delivery_median_s,
           max(case when percent = 90 then wait end) as delivery_p90_s
    from (select campaign, split, job_id, percent,
                 case when floor(place) + 1 < faster + messages or next_s is null then wait_s
                      else wait_s + (place - floor(place)) * (next_s - wait_s) end as wait
          from places
          where floor(place) >= faster and floor(place) < faster + messages) as held
    group by campaign, split, job_id
)
select counts.*, delivery_median_s, delivery_p90_s
from counts
left join points
  on points.campaign = counts.campaign and points.job_id = counts.job_id and points.split is not distinct from counts.split
order by counts.campaign, counts.split, first_at nulls last, counts.job_id
