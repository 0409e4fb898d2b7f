-- How far did each message get, by these events alone?
-- grain:   one row per message
-- params:  events  that count; condition  which messages: all, or a share of them at a time
--          is_content  whether a link is content (purposes.py)
--          campaign  "campaign, " where rows of several campaigns stand together, else nothing
-- reads:   jobs
-- columns: message_key, job_id, email, domain; first_sent_at (of a sending, delivery or bounce),
--          first_event_at, last_event_at; of each kind how many, and the moments that are asked for;
--          clicks are those on content; not_sent (the feed's word, where it says that the platform
--          did not send); undated (events without a moment); is_mixed (its events name several jobs
--          or addresses)
--
-- Opens, clicks and the like are counted apart from what every message has: few messages have any, so that
-- grouping holds, and moves, two fifths less in memory.
with
moments as (
    select {campaign}message_key, job, email, text_hash(email) as email_hash, kind, ts
    from {events} as events
    join jobs using (job_id)
    where {condition} and message_key is not null
),
facts as (
    select {campaign}message_key,
           max(job) as job,
           max(email) as email,
           min(job) <> max(job) or min(email_hash) <> max(email_hash) as is_mixed,
           min(ts) filter (where kind in ('sent', 'delivery', 'bounce')) as first_sent_at,
           min(ts) as first_event_at,
           max(ts) as last_event_at,
           cast(count(*) filter (where ts is null) as int) as undated,
           cast(count(*) filter (where kind = 'sent') as int) as sents,
           cast(count(*) filter (where kind = 'delivery') as int) as deliveries,
           min(ts) filter (where kind = 'delivery') as delivered_at,
           max(ts) filter (where kind = 'delivery') as last_delivery_at
    from moments
    group by {campaign}message_key
),
other_moments as (
    select {campaign}message_key, kind, raw_kind, ts, by_machine,
           case when kind = 'click'
                then {is_content}
                else false end as is_content
    from {events} as events
    where {condition} and message_key is not null and kind not in ('sent', 'delivery', 'bounce')
),
other_facts as (
    select {campaign}message_key,
           cast(count(*) filter (where kind = 'deferral') as int) as deferrals,
           cast(count(*) filter (where kind = 'suppressed') as int) as suppressions,
           max(raw_kind) filter (where kind = 'suppressed') as not_sent,
           cast(count(*) filter (where kind = 'open') as int) as opens,
           cast(count(*) filter (where kind = 'open' and by_machine) as int) as machine_opens,
           min(ts) filter (where kind = 'open') as first_open_at,
           min(ts) filter (where kind = 'open' and not coalesce(by_machine, false)) as first_human_open_at,
           min(ts) filter (where kind = 'open' and by_machine) as first_machine_open_at,
           cast(count(*) filter (where is_content) as int) as clicks,
           min(ts) filter (where is_content) as first_click_at,
           cast(count(*) filter (where kind = 'complaint') as int) as complaints,
           min(ts) filter (where kind = 'complaint') as complained_at,
           cast(count(*) filter (where kind = 'unsubscribe') as int) as unsubscribes,
           min(ts) filter (where kind = 'unsubscribe') as unsubscribed_at
    from other_moments
    group by {campaign}message_key
)
select {campaign}message_key, job_id, email, lower(split_part(email, '@', 2)) as domain, is_mixed,
       first_sent_at, first_event_at, last_event_at, undated,
       sents, coalesce(deferrals, 0) as deferrals, coalesce(suppressions, 0) as suppressions, not_sent,
       deliveries, delivered_at, last_delivery_at,
       coalesce(opens, 0) as opens, coalesce(machine_opens, 0) as machine_opens,
       first_open_at, first_human_open_at, first_machine_open_at,
       coalesce(clicks, 0) as clicks, first_click_at,
       coalesce(complaints, 0) as complaints, complained_at,
       coalesce(unsubscribes, 0) as unsubscribes, unsubscribed_at
from facts
left join other_facts using ({campaign}message_key)
join jobs using (job)
