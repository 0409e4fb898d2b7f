-- Which links were clicked?
-- grain:   one row per campaign x link (and value of each column it is split by)
-- params:  none
-- reads:   clicks, asked_clickers, urls, suspect_messages
-- columns: campaign, split, link_url (as in urls), purpose (content | unsubscribe), people (clickers that don't behave
--          like machines), clickers (distinct messages; they don't add up over links), clicks, all_people, all_clickers (of anything, in the
--          campaign and split), first_at, last_at
with
meant as (        -- one row per URL as it came, read once: to leave addresses out of millions of them takes its time
    select campaign, raw_url, link_url from urls
),
links as (        -- a link as a number takes less memory
    select campaign, link_url, row_number() over (order by campaign, link_url) as link
    from (select distinct campaign, link_url from meant) as links_meant
),
numbered as (     -- one row per URL as it came
    select meant.campaign, raw_url, link
    from meant
    join links on links.campaign = meant.campaign and links.link_url = meant.link_url
),
people as (       -- one row per message
    select asked_clickers.campaign, split, asked_clickers.message_key, suspect_messages.message_key is not null as suspect
    from asked_clickers
    left join suspect_messages
      on suspect_messages.campaign = asked_clickers.campaign and suspect_messages.message_key = asked_clickers.message_key
),
followed as (     -- one row per click
    select split, people.message_key, suspect, ts, link, coalesce(is_content, false) as is_content
    from clicks
    join numbered on numbered.campaign = clicks.campaign and numbered.raw_url = clicks.link_url
    join people on people.campaign = clicks.campaign and people.message_key = clicks.message_key
),
sums as (
    select link, split, is_content, count(*) as clicks, min(ts) as first_at, max(ts) as last_at
    from followed
    group by link, split, is_content
),
counts as (
    select link, split, is_content,
           count(*) filter (where not suspect) as people,
           count(*) as clickers
    from (select distinct link, split, is_content, message_key, suspect from followed) as clickers
    group by link, split, is_content
),
totals as (
    select campaign, split,
           count(*) filter (where not suspect) as all_people,
           count(*) as all_clickers
    from people
    group by campaign, split
)
select links.campaign, counts.split, link_url,
       case when counts.is_content then 'content' else 'unsubscribe' end as purpose,
       people, clickers, clicks, all_people, all_clickers, first_at, last_at
from counts
join sums on sums.link = counts.link and sums.split is not distinct from counts.split and sums.is_content = counts.is_content
join links on links.link = counts.link
join totals on totals.campaign = links.campaign and totals.split is not distinct from counts.split
order by links.campaign, counts.split, people desc, clickers desc, link_url, purpose
