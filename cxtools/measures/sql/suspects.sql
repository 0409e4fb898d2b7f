-- Which clickers behave like machines? Nothing is dropped: clicked counts them, this says how many.
-- grain:   one row per campaign (and value of each column it is split by)
-- params:  none
-- reads:   clicks, all_messages, messages, urls
-- columns: campaign, split, clickers (delivered messages with a click that has a moment), r1, r2, r3, r4, r5 (clickers whom the rule hits,
--          see rules.tsv), suspect (one strong rule or two weak ones), human (the others)
with
clickers as (     -- one row per delivered message with a click
    select campaign, message_key, delivered_at, domain, opened
    from all_messages
    semi join clicks using (campaign, message_key)
    where delivered
),
dated as (        -- one row per click, with the one before it in the same message
    select clicks.campaign, clicks.message_key, clicks.ts, clicks.link_url,
           seconds_between(delivered_at, clicks.ts) as delay_s,
           lag(clicks.link_url) over (partition by clicks.campaign, clicks.message_key order by clicks.ts, clicks.link_url) as link_before,
           lag(clicks.ts) over (partition by clicks.campaign, clicks.message_key order by clicks.ts, clicks.link_url) as ts_before
    from clicks
    join clickers on clickers.campaign = clicks.campaign and clickers.message_key = clicks.message_key
    where clicks.ts is not null
),
first_clicks as (
    select campaign, message_key, link_url, min(ts) as ts from dated group by campaign, message_key, link_url
),
bursts as (       -- one row per message: the most links that it followed within 10 seconds
    select campaign, message_key, max(links) as most_links
    from (select campaign, message_key,
                 count(*) over (partition by campaign, message_key order by ts
                                range between interval 10 seconds preceding and current row) as links
          from first_clicks) as windows
    group by campaign, message_key
),
offered as (      -- personal links of one page are one link
    select first_clicks.campaign, count(distinct urls.link_url) as links
    from first_clicks
    join urls on urls.campaign = first_clicks.campaign and urls.raw_url = first_clicks.link_url
    group by first_clicks.campaign
),
hits as (         -- one row per clicker
    select dated.campaign, dated.message_key, min(delay_s) as delay_s,
           max(case when link_before <> link_url and millis_between(ts_before, ts) <= 1000 then 1 else 0 end) as r1,
           max(case when most_links >= 3 and 10 * most_links >= 8 * offered.links then 1 else 0 end) as r2,
           max(case when delay_s <= 2 then 1 else 0 end) as r3
    from dated
    join bursts on bursts.campaign = dated.campaign and bursts.message_key = dated.message_key
    join offered on offered.campaign = dated.campaign
    group by dated.campaign, dated.message_key
),
neighbours as (   -- one row per clicker, seen beside the others of its domain
    select hits.campaign, hits.message_key, r1, r2, r3,
           case when not opened and delay_s <= 30 then 1 else 0 end as r4,
           case when delay_s <= 60 and count(*) over (partition by hits.campaign, domain) >= 5
                     and 2 * sum(case when r1 + r2 > 0 then 1 else 0 end) over (partition by hits.campaign, domain)
                         >= count(*) over (partition by hits.campaign, domain) then 1 else 0 end as r5,
           case when count(*) over (partition by hits.campaign, domain) >= 5
                     and min(r3) over (partition by hits.campaign, domain) = 1 then 1 else 0 end as r3_whole_domain
    from hits
    join clickers on clickers.campaign = hits.campaign and clickers.message_key = hits.message_key
),
flags as (
    select neighbours.*, r1 + r2 + r3_whole_domain > 0 or r3 + r4 + r5 >= 2 as suspect from neighbours
)
select messages.campaign, messages.split,
       count(*) as clickers,
       count(*) filter (where r1 = 1) as r1,
       count(*) filter (where r2 = 1) as r2,
       count(*) filter (where r3 = 1) as r3,
       count(*) filter (where r4 = 1) as r4,
       count(*) filter (where r5 = 1) as r5,
       count(*) filter (where suspect) as suspect,
       count(*) filter (where not suspect) as human
from flags
join messages on messages.campaign = flags.campaign and messages.message_key = flags.message_key
group by messages.campaign, messages.split
order by campaign, split
