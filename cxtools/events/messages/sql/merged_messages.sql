-- How far did each message get, by what the layer knew and by the new events?
-- grain:   one row per message that the new events touch
-- params:  none
-- reads:   known_messages, new_messages
-- columns: those of new_messages.sql
with
halves as (
    select message_key, job_id, email, domain, is_mixed,
           first_sent_at, first_event_at, last_event_at, undated,
           sents, deferrals, suppressions, not_sent,
           deliveries, delivered_at, last_delivery_at,
           opens, machine_opens, first_open_at, first_human_open_at, first_machine_open_at,
           clicks, first_click_at, complaints, complained_at, unsubscribes, unsubscribed_at
    from known_messages
    union all
    select message_key, job_id, email, domain, is_mixed,
           first_sent_at, first_event_at, last_event_at, undated,
           sents, deferrals, suppressions, not_sent,
           deliveries, delivered_at, last_delivery_at,
           opens, machine_opens, first_open_at, first_human_open_at, first_machine_open_at,
           clicks, first_click_at, complaints, complained_at, unsubscribes, unsubscribed_at
    from new_messages
),
facts as (
    select message_key,
           max(job_id) as job_id,
           max(email) as email,
           bool_or(is_mixed) or min(job_id) <> max(job_id) or min(email) <> max(email) as is_mixed,
           min(first_sent_at) as first_sent_at,
           min(first_event_at) as first_event_at,
           max(last_event_at) as last_event_at,
           cast(sum(undated) as int) as undated,
           cast(sum(sents) as int) as sents,
           cast(sum(deferrals) as int) as deferrals,
           cast(sum(suppressions) as int) as suppressions,
           max(not_sent) as not_sent,
           cast(sum(deliveries) as int) as deliveries,
           min(delivered_at) as delivered_at,
           max(last_delivery_at) as last_delivery_at,
           cast(sum(opens) as int) as opens,
           cast(sum(machine_opens) as int) as machine_opens,
           min(first_open_at) as first_open_at,
           min(first_human_open_at) as first_human_open_at,
           min(first_machine_open_at) as first_machine_open_at,
           cast(sum(clicks) as int) as clicks,
           min(first_click_at) as first_click_at,
           cast(sum(complaints) as int) as complaints,
           min(complained_at) as complained_at,
           cast(sum(unsubscribes) as int) as unsubscribes,
           min(unsubscribed_at) as unsubscribed_at
    from halves
    group by message_key
)
select message_key, job_id, email, lower(split_part(email, '@', 2)) as domain, is_mixed,
       first_sent_at, first_event_at, last_event_at, undated,
       sents, deferrals, suppressions, not_sent,
       deliveries, delivered_at, last_delivery_at,
       opens, machine_opens, first_open_at, first_human_open_at, first_machine_open_at,
       clicks, first_click_at, complaints, complained_at, unsubscribes, unsubscribed_at
from facts
