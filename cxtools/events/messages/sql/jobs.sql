-- Which jobs are there? A number is faster to compare than a text, and in the same order.
-- grain:   one row per job
-- params:  events  that name them
-- reads:   its params
-- columns: job_id, job
select job_id, cast(row_number() over (order by job_id) as int) as job
from (select distinct job_id from {events} as events) as names
