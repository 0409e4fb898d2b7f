-- Was the recipient of each message mailed before the campaign began, and when was the last click then?
-- grain:   one row per message and segment
-- params:  none
-- reads:   layer_messages (of the campaign), earlier_messages and earlier_clicks (of those that began before it), begun (one row: when it began)
-- columns: message_key, name (before/history, before/recency), value: first, repeat; the time since the last click on content, never
with
mailed as (       -- one row per message of an earlier campaign that was sent before this one began
    select campaign, message_key, email
    from earlier_messages
    cross join begun
    where email <> '' and coalesce(first_sent_at, first_event_at) < began_at
),
people as (
    select distinct email from mailed
),
last_clicks as (
    select mailed.email, max(earlier_clicks.ts) as clicked_at
    from earlier_clicks
    join mailed on mailed.campaign = earlier_clicks.campaign and mailed.message_key = earlier_clicks.message_key
    cross join begun
    where is_content and earlier_clicks.ts < began_at
    group by mailed.email
),
known as (
    select message_key, people.email is not null as is_repeat,
           seconds_between(clicked_at, began_at) as clicked_before_s, clicked_at
    from layer_messages
    cross join begun
    left join people on people.email = layer_messages.email
    left join last_clicks on last_clicks.email = layer_messages.email
    where layer_messages.email <> ''
)
select message_key, 'before/history' as name, case when is_repeat then 'repeat' else 'first' end as value
from known
union all
select message_key, 'before/recency' as name,
       case when clicked_at is null then 'never'
            when clicked_before_s <= 14 * 86400 then '0-14 days'
            when clicked_before_s <= 90 * 86400 then '15-90 days'
            when clicked_before_s <= 365 * 86400 then '91-365 days'
            else 'over 365 days' end as value
from known
