-- In how many campaigns did those bounce who bounced?
-- grain:   one row per campaign x campaigns (and value of each column it is split by)
-- params:  none
-- reads:   all_messages, messages
-- columns: campaign, split, campaigns, recipients, all_recipients
with
times as (
    select campaign, split,
           (select count(distinct other.campaign) from all_messages as other where other.bounced and other.email = messages.email) as campaigns
    from messages
    where bounced and email <> ''
)
select campaign, split, case when campaigns > 4 then 5 else campaigns end as campaigns, count(*) as recipients,
       (select count(*) from times as other where other.campaign = times.campaign and other.split is not distinct from times.split) as all_recipients
from times
group by all
order by campaign, split, 3
