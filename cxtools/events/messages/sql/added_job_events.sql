-- How many events has each job, the new ones among them?
-- grain:   one row per job
-- params:  none
-- reads:   base_job_events, counted_events
-- columns: job_id, events
select job_id, cast(sum(events) as bigint) as events
from (
    select job_id, events from base_job_events
    union all
    select job_id, count(*) as events from counted_events group by job_id
) as counts
group by job_id
