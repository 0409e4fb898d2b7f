-- Which links do people follow first?
-- grain:   one row per campaign x link that somebody followed first (and value of each column it is split by)
-- params:  none
-- reads:   messages, counted_events, urls
-- columns: campaign, split, link_url, recipients, all_recipients
with
dated as (
    select messages.campaign, split, messages.message_id, messages.who, ts, urls.link_url,
           min(ts) over (partition by messages.campaign, messages.message_id, messages.who) as first_ts
    from counted_events as clicks
    join messages on messages.campaign = clicks.campaign and messages.message_id = clicks.message_id and messages.who = clicks.who
    join urls on urls.campaign = clicks.campaign and urls.raw_url = clicks.link_url
    where kind = 'click' and reached and ts is not null
)
select campaign, split, link_url,
       count(distinct (message_id, who)) as recipients,
       (select count(distinct (other.message_id, other.who)) from dated as other
        where other.campaign = dated.campaign and other.split is not distinct from dated.split) as all_recipients
from dated
where ts = first_ts
group by campaign, split, link_url
order by campaign, split, recipients desc, link_url
