-- Which links were clicked?
-- grain:   one row per campaign x link (and value of each column it is split by)
-- params:  none
-- reads:   clicks, messages, urls, suspect_messages
-- columns: campaign, split, link_url (as in urls), purpose (content | unsubscribe), people (clickers that don't behave
--          like machines), clickers (distinct messages; they don't add up over links), clicks, all_people, all_clickers (of anything, in the
--          campaign and split), first_at, last_at
with
followed as (     -- one row per click of a message that was reached
    select messages.campaign, messages.split, messages.message_key, clicks.ts, clicks.link_url as raw_url,
           suspect_messages.message_key is not null as suspect,
           case when clicks.is_content then 'content' else 'unsubscribe' end as purpose
    from clicks
    join messages on messages.campaign = clicks.campaign and messages.message_key = clicks.message_key
    left join suspect_messages on suspect_messages.campaign = messages.campaign and suspect_messages.message_key = messages.message_key
    where messages.reached
),
clickers as (     -- one row per link and message
    select followed.campaign, split, link_url, purpose, message_key, suspect,
           count(*) as clicks, min(ts) as first_at, max(ts) as last_at
    from followed
    join urls on urls.campaign = followed.campaign and urls.raw_url = followed.raw_url
    group by followed.campaign, split, link_url, purpose, message_key, suspect
),
totals as (
    select campaign, split, count(distinct message_key) as all_clickers,
           count(distinct case when not suspect then message_key end) as all_people
    from followed
    group by campaign, split
)
select clickers.campaign, clickers.split, link_url, purpose,
       count(*) filter (where not suspect) as people,
       count(*) as clickers,
       cast(sum(clicks) as bigint) as clicks,
       max(all_people) as all_people,
       max(all_clickers) as all_clickers,
       min(first_at) as first_at,
       max(last_at) as last_at
from clickers
join totals on totals.campaign = clickers.campaign and totals.split is not distinct from clickers.split
group by clickers.campaign, clickers.split, link_url, purpose
order by campaign, split, people desc, clickers desc, link_url, purpose
