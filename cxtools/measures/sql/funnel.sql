-- How far did the messages of these campaigns get?
-- grain:   one row per campaign (and value of each dimension asked for)
-- params:  none
-- reads:   messages
-- columns: campaign, dimensions, attempted, delivered, accepted, bounced, opened, opened_strict, clicked, clicks_without_open, first_at, last_at
select campaign, provider, domain, job, day, hour, weekday,
       count(*) filter (where attempted) as attempted,
       count(*) filter (where delivered) as delivered,
       count(*) filter (where accepted) as accepted,
       count(*) filter (where bounced) as bounced,
       count(*) filter (where accepted and (opens > 0 or clicks > 0)) as opened,
       count(*) filter (where accepted and opens > 0) as opened_strict,
       count(*) filter (where accepted and clicks > 0) as clicked,
       count(*) filter (where accepted and clicks > 0 and opens = 0) as clicks_without_open,
       min(first_at) as first_at,
       max(last_at) as last_at
from messages
group by all
order by campaign, provider, domain, job, day, hour, weekday
