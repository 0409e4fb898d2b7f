-- Which links were clicked?
-- grain:   one row per campaign x link (and value of each column it is split by)
-- params:  none
-- reads:   counted_events, messages, urls, clicker_flags
-- columns: campaign, split, link_url (as in urls), purpose (content | unsubscribe), people (clickers that don't behave like
--          machines), clickers (distinct messages; they don't add up over links), clicks, all_people, all_clickers (of anything, in the campaign
--          and split), first_at, last_at
with
clicks as (       -- one row per click of a delivered message
    select messages.campaign, messages.split, messages.message_id, messages.who, counted_events.ts, urls.link_url,
           case when clicker_flags.suspect then 0 else 1 end as is_human,
           case when counted_events.is_content then 'content' else 'unsubscribe' end as purpose
    from counted_events
    join messages
      on messages.campaign = counted_events.campaign and messages.message_id = counted_events.message_id and messages.who = counted_events.who
    join urls on urls.campaign = counted_events.campaign and urls.raw_url = counted_events.link_url
    left join clicker_flags
      on clicker_flags.campaign = messages.campaign and clicker_flags.message_id = messages.message_id and clicker_flags.who = messages.who
    where counted_events.kind = 'click' and messages.reached
),
clickers as (     -- one row per link and message
    select campaign, split, link_url, purpose, message_id, who,
           count(*) as clicks, min(is_human) as is_human, min(ts) as first_at, max(ts) as last_at,
           row_number() over (partition by campaign, message_id, who order by link_url, purpose) as nth
    from clicks
    group by campaign, split, link_url, purpose, message_id, who
)
select campaign, split, link_url, purpose,
       cast(sum(is_human) as bigint) as people,
       count(*) as clickers,
       cast(sum(clicks) as bigint) as clicks,
       cast(sum(sum(case when nth = 1 then is_human else 0 end)) over (partition by campaign, split) as bigint) as all_people,
       cast(sum(sum(case when nth = 1 then 1 else 0 end)) over (partition by campaign, split) as bigint) as all_clickers,
       min(first_at) as first_at,
       max(last_at) as last_at
from clickers
group by campaign, split, link_url, purpose
order by campaign, split, people desc, clickers desc, link_url
