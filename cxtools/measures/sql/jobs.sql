-- How did each job run?
-- grain:   one row per campaign x job (and value of each dimension asked for)
-- params:  none
-- reads:   messages
-- columns: campaign, dimensions, job_id, attempted, delivered, bounced, first_at, last_at (of any event), span_s (seconds
--          from the first to the last delivery or bounce, null without any),
--          delivery_median_s, delivery_p90_s (seconds from the job's first event to a message's delivery, null when nothing was delivered)
with
starts as (
    select messages.*, min(first_at) over (partition by campaign, job_id) as started_at
    from messages
)
select campaign, provider, domain, job, day, hour, weekday, job_id,
       count(*) filter (where attempted) as attempted,
       count(*) filter (where delivered) as delivered,
       count(*) filter (where bounced) as bounced,
       min(first_at) as first_at,
       max(last_at) as last_at,
       date_diff('second', min(coalesce(delivered_at, bounced_at)), max(coalesce(delivered_at, bounced_at))) as span_s,
       percentile_cont(0.5) within group (order by date_diff('second', started_at, delivered_at)) as delivery_median_s,
       percentile_cont(0.9) within group (order by date_diff('second', started_at, delivered_at)) as delivery_p90_s
from starts
group by all
order by campaign, provider, domain, job, day, hour, weekday, first_at, job_id
