-- Which links do people follow first?
-- grain:   one row per campaign x link that somebody followed first (and value of each column it is split by), most frequent first
-- params:  none
-- reads:   clicks, messages, urls
-- columns: campaign, split, link_url (bare, see urls.sql), recipients (whose first click was on it; of two at the same moment on both), all_recipients
--          (with a click that has a moment)
with
dated as (
    select messages.campaign, split, messages.message_key, clicks.ts, urls.link_url
    from clicks
    join messages on messages.campaign = clicks.campaign and messages.message_key = clicks.message_key
    join urls on urls.campaign = clicks.campaign and urls.raw_url = clicks.link_url
    where reached and clicks.ts is not null
),
firsts as (
    select campaign, split, message_key, min(ts) as ts from dated group by campaign, split, message_key
),
followed as (
    select distinct dated.campaign, dated.split, dated.message_key, dated.link_url
    from dated
    join firsts on firsts.campaign = dated.campaign and firsts.message_key = dated.message_key and firsts.ts = dated.ts
),
totals as (
    select campaign, split, count(*) as all_recipients from firsts group by campaign, split
),
links as (
    select campaign, split, link_url, count(*) as recipients from followed group by campaign, split, link_url
)
select links.campaign, links.split, link_url, recipients, all_recipients
from links
join totals on totals.campaign = links.campaign and totals.split is not distinct from links.split
order by links.campaign, links.split, recipients desc, link_url
