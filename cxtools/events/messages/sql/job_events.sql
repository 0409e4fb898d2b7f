-- How many events has each job?
-- grain:   one row per job
-- params:  none
-- reads:   counted_events
-- columns: job_id, events
select job_id, count(*) as events
from counted_events
group by job_id
