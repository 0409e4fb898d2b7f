-- How fast do people open and click?
-- grain:   one row per campaign x kind (and value of each column it is split by)
-- params:  none
-- reads:   delays
-- columns: campaign, split, kind, recipients, delivered, p10_s, p25_s, median_s, p75_s, p90_s (seconds, null when there are none)
select campaign, split, kind,
       count(delay_s) as recipients,
       count(*) as delivered,
       percentile_cont(0.1) within group (order by delay_s) as p10_s,
       percentile_cont(0.25) within group (order by delay_s) as p25_s,
       percentile_cont(0.5) within group (order by delay_s) as median_s,
       percentile_cont(0.75) within group (order by delay_s) as p75_s,
       percentile_cont(0.9) within group (order by delay_s) as p90_s
from delays
group by all
order by campaign, split, kind desc
