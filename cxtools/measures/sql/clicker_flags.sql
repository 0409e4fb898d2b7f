-- Who of those that followed a link behaves like a machine?
-- grain:   one row per message that was reached, with a click that has a moment
-- params:  none
-- reads:   clicks, clickers, urls
-- columns: campaign, message_key, split, is_asked, clicked (on content), r1, r2, r3, r4, r5 (1 where the rule hits it, see rules.tsv),
--          suspect (one strong rule or two weak ones)
--
-- Clicks without a moment are left out only after they were grouped: an engine that left them out before would take four fifths of all clicks
-- for gone, and hold the clicks in memory to look for clickers among them, and not the clickers.
with
followed as (     -- one row per click; texts as numbers are faster to compare, and take less memory
    select text_hash(campaign) as campaign_number, message_key, ts, text_hash(link_url) as link
    from clicks
    semi join clickers using (campaign, message_key)
),
in_order as (     -- one row per click, with the one before it in the same message
    select campaign_number, message_key, ts, link,
           lag(link) over (partition by campaign_number, message_key order by ts, link) as link_before,
           lag(ts) over (partition by campaign_number, message_key order by ts, link) as ts_before
    from followed
),
firsts as (       -- one row per message: its clicks that have a moment, the first of them, and whether the first rule hits it
    select campaign_number, message_key, count(ts) as clicks, min(ts) as first_at,
           max(case when link_before <> link and millis_between(ts_before, ts) <= 1000 then 1 else 0 end) as r1
    from in_order
    group by campaign_number, message_key
    having count(ts) > 0
),
offered as (      -- personal links of one page are one link
    select links.campaign_number, count(distinct urls.link_url) as links
    from (select distinct campaign_number, link from followed where ts is not null) as links
    join urls on text_hash(urls.campaign) = links.campaign_number and text_hash(urls.raw_url) = links.link
    group by links.campaign_number
),
first_clicks as ( -- one row per link and message; a message with fewer clicks than the second rule wants links isn't looked at
    select campaign_number, message_key, link, min(ts) as ts
    from followed
    semi join (select campaign_number, message_key
               from firsts
               join offered using (campaign_number)
               where clicks >= 3 and 10 * clicks >= 8 * links) as many using (campaign_number, message_key)
    where ts is not null
    group by campaign_number, message_key, link
),
bursts as (       -- one row per message: the most links that it followed within 10 seconds
    select campaign_number, message_key, max(links) as most_links
    from (select campaign_number, message_key,
                 count(*) over (partition by campaign_number, message_key order by ts
                                range between interval 10 seconds preceding and current row) as links
          from first_clicks) as windows
    group by campaign_number, message_key
),
all_at_once as (  -- one row per message that the second rule hits
    select campaign_number, message_key
    from bursts
    join offered using (campaign_number)
    where most_links >= 3 and 10 * most_links >= 8 * links
),
hits as (         -- one row per clicker
    select campaign, clickers.message_key, domain, opened, clicked, split, is_asked, r1,
           seconds_between(delivered_at, first_at) as delay_s,
           case when all_at_once.message_key is null then 0 else 1 end as r2,
           case when seconds_between(delivered_at, first_at) <= 2 then 1 else 0 end as r3
    from firsts
    join clickers on text_hash(clickers.campaign) = firsts.campaign_number and clickers.message_key = firsts.message_key
    left join all_at_once on all_at_once.campaign_number = firsts.campaign_number and all_at_once.message_key = firsts.message_key
),
domains as (      -- how many clickers a domain has, and how many of them a strong rule or the third one hits
    select campaign, domain, count(*) as clickers,
           count(*) filter (where r1 + r2 > 0) as strong_hits,
           count(*) filter (where r3 = 1) as early_hits
    from hits
    group by campaign, domain
),
neighbours as (   -- one row per clicker, seen beside the others of its domain
    select campaign, message_key, clicked, split, is_asked, r1, r2, r3,
           case when not opened and delay_s <= 30 then 1 else 0 end as r4,
           case when delay_s <= 60 and clickers >= 5 and 2 * strong_hits >= clickers then 1 else 0 end as r5,
           case when clickers >= 5 and early_hits = clickers then 1 else 0 end as r3_whole_domain
    from hits
    join domains using (campaign, domain)
)
select campaign, message_key, split, is_asked, clicked, r1, r2, r3, r4, r5,
       r1 + r2 + r3_whole_domain > 0 or r3 + r4 + r5 >= 2 as suspect
from neighbours
