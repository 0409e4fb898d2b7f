-- Which links were clicked?
-- grain:   one row per campaign x link (and value of each dimension asked for)
-- params:  none
-- reads:   seen, messages, urls
-- columns: campaign, dimensions, link_url (as in urls), purpose (content | unsubscribe), clickers (distinct
--          messages; they don't add up over links), clicks, all_clickers (of anything, in the campaign and dimensions), first_at, last_at
with
clicks as (       -- one row per click of an delivered message
    select messages.campaign, provider, domain, job, day, hour, weekday, messages.message_id, messages.who, seen.ts, urls.link_url,
           case when seen.is_content then 'content' else 'unsubscribe' end as purpose
    from seen
    join messages on messages.campaign = seen.campaign and messages.message_id = seen.message_id and messages.who = seen.who
    join urls on urls.campaign = seen.campaign and urls.raw_url = seen.link_url
    where seen.kind = 'click' and messages.delivered
),
clickers as (     -- one row per link and message
    select campaign, provider, domain, job, day, hour, weekday, link_url, purpose, message_id, who,
           count(*) as clicks, min(ts) as first_at, max(ts) as last_at,
           row_number() over (partition by campaign, message_id, who order by link_url, purpose) as nth
    from clicks
    group by campaign, provider, domain, job, day, hour, weekday, link_url, purpose, message_id, who
)
select campaign, provider, domain, job, day, hour, weekday, link_url, purpose,
       count(*) as clickers,
       cast(sum(clicks) as bigint) as clicks,
       cast(sum(sum(case when nth = 1 then 1 else 0 end)) over (partition by campaign, provider, domain, job, day, hour, weekday) as bigint)
           as all_clickers,
       min(first_at) as first_at,
       max(last_at) as last_at
from clickers
group by campaign, provider, domain, job, day, hour, weekday, link_url, purpose
order by campaign, provider, domain, job, day, hour, weekday, clickers desc, link_url
