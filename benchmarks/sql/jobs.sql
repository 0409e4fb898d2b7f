with starts as (
    select job_id, min(first_at) as started_at from messages group by job_id
)
select job_id,
       count(*) filter (where attempted) as attempted,
       count(*) filter (where delivered) as delivered,
       count(*) filter (where bounced) as bounced,
       min(first_at) as first_at,
       max(last_at) as last_at,
       date_diff('second', min(coalesce(delivered_at, case when bounced then bounced_at end)),
                 max(coalesce(delivered_at, case when bounced then bounced_at end))) as span_s,
       quantile_cont(date_diff('second', started_at, delivered_at), 0.5) as delivery_median_s,
       quantile_cont(date_diff('second', started_at, delivered_at), 0.9) as delivery_p90_s
from messages
join starts using (job_id)
group by job_id
