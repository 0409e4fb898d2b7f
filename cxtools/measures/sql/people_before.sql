-- Was the recipient of each message mailed before the campaign began, and when was the last click then?
-- grain:   one row per message and segment
-- params:  none
-- reads:   every_messages and every_clicks (of these campaigns and of all that began before them), begun (one row per campaign with a start),
--          asked_campaigns
-- columns: campaign, message_key, name (before/history, before/recency), value: first, repeat; the time since the last click on content, never
with
mailed as (       -- one row per message that went out; known_at: campaigns that begin later know of it
    select campaign, message_key, lower(email) as email, greatest(began_at, coalesce(first_sent_at, first_event_at)) as known_at
    from every_messages
    join begun using (campaign)
    where email <> '' and coalesce(first_sent_at, first_event_at) is not null
      and (deliveries > 0 or opens > 0 or clicks > 0 or complaints > 0 or cause_id is not null or (sents > 0 and not_sent is null))
),
people as (
    select email, min(known_at) as known_at from mailed group by email
),
asked as (
    select campaign, message_key, lower(email) as email, began_at
    from every_messages
    semi join asked_campaigns using (campaign)
    join begun using (campaign)
    where email <> ''
),
clicked as (      -- one row per click on content
    select mailed.email, greatest(mailed.known_at, every_clicks.ts) as known_at, every_clicks.ts as clicked_at
    from every_clicks
    join mailed on mailed.campaign = every_clicks.campaign and mailed.message_key = every_clicks.message_key
    where is_content and every_clicks.ts is not null
),
in_order as (     -- of each address its clicks, and the starts of the campaigns that went to it; a start comes before a click at that moment
    select email, known_at, 1 as place, clicked_at, cast(null as string) as campaign, cast(null as bigint) as message_key
    from clicked
    union all
    select email, began_at as known_at, 0 as place, cast(null as timestamp) as clicked_at, campaign, message_key
    from asked
    semi join clicked using (email)
),
last_clicks as (
    select campaign, message_key, place,
           max(clicked_at) over (partition by email order by known_at, place rows between unbounded preceding and current row) as clicked_at
    from in_order
),
known as (
    select asked.campaign, asked.message_key, coalesce(people.known_at < began_at, false) as is_repeat,
           seconds_between(clicked_at, began_at) as clicked_before_s, clicked_at
    from asked
    left join people on people.email = asked.email
    left join last_clicks on last_clicks.campaign = asked.campaign and last_clicks.message_key = asked.message_key and last_clicks.place = 0
)
select campaign, message_key, 'before/history' as name, case when is_repeat then 'repeat' else 'first' end as value
from known
union all
select campaign, message_key, 'before/recency' as name,
       case when clicked_at is null then 'never'
            when clicked_before_s <= 14 * 86400 then '0-14 days'
            when clicked_before_s <= 90 * 86400 then '15-90 days'
            when clicked_before_s <= 365 * 86400 then '91-365 days'
            else 'over 365 days' end as value
from known
