-- Which messages were taken and sent back later, why, and how much later?
-- grain:   one row per campaign x category x kind (and value of each column it is split by)
-- params:  none
-- reads:   messages
-- columns: campaign, split, category, kind, recipients, taken, median_s, p90_s
select late.campaign, late.split, category, bounce_kind as kind, count(*) as recipients,
       (select count(*) from messages as other
        where other.campaign = late.campaign and other.split is not distinct from late.split and (other.delivered or other.late_bounced)) as taken,
       quantile_cont(date_diff('second', delivered_at, bounced_at), 0.5) as median_s,
       quantile_cont(date_diff('second', delivered_at, bounced_at), 0.9) as p90_s
from messages as late
where late_bounced
group by late.campaign, late.split, category, bounce_kind
order by late.campaign, late.split, recipients desc, category, kind
