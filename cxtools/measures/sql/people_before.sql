-- Was the recipient of each message mailed before the campaign began, and when was the last click then?
-- grain:   one row per message and segment
-- params:  none
-- reads:   asked_messages (of the campaigns that are asked about), earlier_messages and earlier_clicks (of all that began before the last
--          of them), begun (one row per campaign with a start)
-- columns: campaign, message_key, name (before/history, before/recency), value: repeat; the time since the last click on content;
--          "" for both of a message without an address. Of who was mailed for the first time, and who never clicked, there is no row
with
mailed as (       -- one row per message that went out; known_at: campaigns that begin later know of it
    select campaign, message_key, lower(email) as email, greatest(began_at, coalesce(first_sent_at, first_event_at)) as known_at
    from earlier_messages
    join begun using (campaign)
    where email <> '' and coalesce(first_sent_at, first_event_at) is not null
      and (deliveries > 0 or opens > 0 or clicks > 0 or complaints > 0 or cause_id is not null or (sents > 0 and not_sent is null))
),
people as (
    select email, min(known_at) as known_at from mailed group by email
),
asked as (
    select campaign, message_key, lower(email) as email, began_at
    from asked_messages
    join begun using (campaign)
),
clicked as (      -- one row per click on content
    select mailed.email, greatest(mailed.known_at, earlier_clicks.ts) as known_at, earlier_clicks.ts as clicked_at
    from earlier_clicks
    join mailed on mailed.campaign = earlier_clicks.campaign and mailed.message_key = earlier_clicks.message_key
    where is_content and earlier_clicks.ts is not null
),
in_order as (     -- of each address its clicks, and the starts of the campaigns that went to it; a start comes before a click at that moment
    select email, known_at, 1 as place, clicked_at, cast(null as string) as campaign, cast(null as bigint) as message_key
    from clicked
    union all
    select email, began_at as known_at, 0 as place, cast(null as timestamp) as clicked_at, campaign, message_key
    from asked
    semi join clicked using (email)
    where email <> ''
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
select campaign, message_key, 'before/history' as name, 'repeat' as value
from known
where is_repeat
union all
select campaign, message_key, nobody.name, '' as value
from asked
cross join (select 'before/history' as name union all select 'before/recency' as name) as nobody
where coalesce(email, '') = ''
union all
select campaign, message_key, 'before/recency' as name,
       case when clicked_before_s <= 14 * 86400 then '0-14 days'
            when clicked_before_s <= 90 * 86400 then '15-90 days'
            when clicked_before_s <= 365 * 86400 then '91-365 days'
            else 'over 365 days' end as value
from known
where clicked_at is not null
