-- Who of those that followed a link behaves like a machine?
-- grain:   one row per delivered message with a click that has a moment
-- params:  none
-- reads:   counted_events, all_messages, urls
-- columns: campaign, message_id, who, clicked (on content), r1, r2, r3, r4, r5 (1 where the rule hits it, see rules.tsv), suspect (one strong
--          rule or two weak ones)
with
clicks as (       -- one row per click, with the one before it in the same message
    select campaign, message_id, who, counted_events.ts, counted_events.link_url,
           date_diff('second', delivered_at, counted_events.ts) as delay_s,
           lag(counted_events.link_url) over (partition by campaign, message_id, who order by counted_events.ts, counted_events.link_url) as link_before,
           lag(counted_events.ts) over (partition by campaign, message_id, who order by counted_events.ts, counted_events.link_url) as ts_before
    from counted_events
    join all_messages using (campaign, message_id, who)
    where counted_events.kind = 'click' and all_messages.reached and counted_events.ts is not null
),
first_clicks as (
    select campaign, message_id, who, link_url, min(ts) as ts from clicks group by campaign, message_id, who, link_url
),
bursts as (       -- one row per message: the most links that it followed within 10 seconds
    select campaign, message_id, who, max(links) as most_links
    from (select campaign, message_id, who,
                 count(*) over (partition by campaign, message_id, who order by ts
                                range between interval 10 seconds preceding and current row) as links
          from first_clicks) as windows
    group by campaign, message_id, who
),
offered as (      -- personal links of one page are one link
    select clicks.campaign, count(distinct urls.link_url) as links
    from clicks
    join urls on urls.campaign = clicks.campaign and urls.raw_url = clicks.link_url
    group by clicks.campaign
),
hits as (         -- one row per clicker
    select campaign, message_id, who, min(delay_s) as delay_s,
           max(case when link_before <> link_url and date_diff('millisecond', ts_before, ts) <= 1000 then 1 else 0 end) as r1,
           max(case when most_links >= 3 and most_links >= 0.8 * offered.links then 1 else 0 end) as r2,
           max(case when clicks.delay_s <= 2 then 1 else 0 end) as r3
    from clicks
    join bursts using (campaign, message_id, who)
    join offered using (campaign)
    group by campaign, message_id, who
),
neighbours as (   -- one row per clicker, seen beside the others of its domain
    select campaign, message_id, who, all_messages.clicks > 0 as clicked, r1, r2, r3,
           case when all_messages.opens = 0 and delay_s <= 30 then 1 else 0 end as r4,
           case when delay_s <= 60 and count(*) over (partition by campaign, domain) >= 5
                     and avg(case when r1 + r2 > 0 then 1.0 else 0.0 end) over (partition by campaign, domain) >= 0.5 then 1 else 0 end as r5,
           case when count(*) over (partition by campaign, domain) >= 5
                     and min(r3) over (partition by campaign, domain) = 1 then 1 else 0 end as r3_whole_domain
    from hits
    join all_messages using (campaign, message_id, who)
)
select campaign, message_id, who, clicked, r1, r2, r3, r4, r5, r1 + r2 + r3_whole_domain > 0 or r3 + r4 + r5 >= 2 as suspect
from neighbours
