-- Which events belong to messages of these jobs? All of a message's events, also one that names another job.
-- grain:   one row per event
-- params:  $job_ids  list of job ids
-- reads:   counted_events
-- columns: those of counted_events
select *
from counted_events
semi join (select campaign, message_id, who from counted_events where job_id in (select unnest(cast($job_ids as varchar[])))) as asked
    using (campaign, message_id, who)
