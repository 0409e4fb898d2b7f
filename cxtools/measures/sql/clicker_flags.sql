-- Who of those that followed a link behaves like a machine?
-- grain:   one row per message that was reached, with a click that has a moment
-- params:  none
-- reads:   clicks, all_messages_split, urls
-- columns: campaign, message_key, split, is_asked, clicked (on content), r1, r2, r3, r4, r5 (1 where the rule hits it, see rules.tsv),
--          suspect (one strong rule or two weak ones)
with
clickers as (     -- one row per message that was reached, with a click
    select campaign, message_key, delivered_at, domain, opened, clicked, split, is_asked
    from all_messages_split
    semi join clicks using (campaign, message_key)
    where reached
),
dated as (        -- one row per click of theirs; a link as a number is faster to compare
    select campaign, message_key, ts, text_hash(link_url) as link
    from clicks
    semi join clickers using (campaign, message_key)
    where ts is not null
),
first_clicks as ( -- one row per message and link
    select campaign, message_key, link, min(ts) as ts from dated group by campaign, message_key, link
),
links_of as (     -- one row per message
    select campaign, message_key, count(*) as links, min(ts) as first_at from first_clicks group by campaign, message_key
),
in_order as (     -- one row per click, with the one before it in the same message; who followed one link is left out
    select campaign, message_key, ts, link,
           lag(link) over (partition by campaign, message_key order by ts, link) as link_before,
           lag(ts) over (partition by campaign, message_key order by ts, link) as ts_before
    from dated
    semi join (select campaign, message_key from links_of where links >= 2) as several using (campaign, message_key)
),
at_once as (      -- one row per message that the first rule hits
    select distinct campaign, message_key
    from in_order
    where link_before <> link and millis_between(ts_before, ts) <= 1000
),
bursts as (       -- one row per message: the most links that it followed within 10 seconds
    select campaign, message_key, max(links) as most_links
    from (select campaign, message_key,
                 count(*) over (partition by campaign, message_key order by ts
                                range between interval 10 seconds preceding and current row) as links
          from first_clicks
          semi join (select campaign, message_key from links_of where links >= 3) as many using (campaign, message_key)) as windows
    group by campaign, message_key
),
offered as (      -- personal links of one page are one link
    select followed.campaign, count(distinct urls.link_url) as links
    from (select distinct campaign, link from first_clicks) as followed
    join urls on urls.campaign = followed.campaign and text_hash(urls.raw_url) = followed.link
    group by followed.campaign
),
all_at_once as (  -- one row per message that the second rule hits
    select campaign, message_key
    from bursts
    join offered using (campaign)
    where most_links >= 3 and 10 * most_links >= 8 * links
),
delays as (       -- one row per clicker
    select campaign, message_key, domain, opened, clicked, split, is_asked, seconds_between(delivered_at, links_of.first_at) as delay_s
    from links_of
    join clickers using (campaign, message_key)
),
hits as (
    select campaign, message_key, domain, opened, clicked, split, is_asked, delay_s,
           case when at_once.message_key is null then 0 else 1 end as r1,
           case when all_at_once.message_key is null then 0 else 1 end as r2,
           case when delay_s <= 2 then 1 else 0 end as r3
    from delays
    left join at_once using (campaign, message_key)
    left join all_at_once using (campaign, message_key)
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
