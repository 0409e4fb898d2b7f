-- Which clickers behave like machines? Nothing is dropped: clicked counts them, this says how many.
-- grain:   one row per campaign (and value of each column it is split by)
-- params:  none
-- reads:   clicker_flags, messages
-- columns: campaign, split, clickers (delivered messages with a click that has a moment), r1, r2, r3, r4, r5 (clickers whom the rule hits,
--          see rules.tsv), suspect (one strong rule or two weak ones), human (the others), human_clicked (those of them who
--          clicked content), human_unsubscribed (those who followed only unsubscribe or preference links)
select messages.campaign, messages.split,
       count(*) as clickers,
       count(*) filter (where r1 = 1) as r1,
       count(*) filter (where r2 = 1) as r2,
       count(*) filter (where r3 = 1) as r3,
       count(*) filter (where r4 = 1) as r4,
       count(*) filter (where r5 = 1) as r5,
       count(*) filter (where suspect) as suspect,
       count(*) filter (where not suspect) as human,
       count(*) filter (where not suspect and clicked) as human_clicked,
       count(*) filter (where not suspect and not clicked) as human_unsubscribed
from clicker_flags
join messages using (campaign, message_id, who)
group by messages.campaign, messages.split
order by campaign, split
