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
)
select campaign, split, job_id,
       count(*) filter (where attempted) as attempted,
       count(*) filter (where delivered) as delivered,
       count(*) filter (where bounced) as bounced,
       min(first_at) as first_at,
       max(last_at) as last_at,
       date_diff('second', min(coalesce(delivered_at, bounced_at)), max(coalesce(delivered_at, bounced_at))) as span_s,
       percentile_cont(0.5) within group (order by date_diff('second', started_at, delivered_at)) as delivery_median_s,
       percentile_cont(0.9) within group (order by date_diff('second', started_at, delivered_at)) as delivery_p90_s,
       cast(null as double) as latency_s,
       cast(null as double) as spam_score
from messages
join starts using (campaign, job_id)
group by campaign, split, job_id
order by campaign, split, first_at, job_id
