-- What was known of each message at a moment? Its row has the first moment of all that can happen but once; what happened to the few
-- irregular messages is looked at event by event.
-- grain:   one row per message that had an event by then
-- params:  none
-- reads:   stored_messages, cuts (campaign, until, ended_by: messages that had ended before it are left out), last_moments, irregular_facts
-- columns: those of stored_facts.sql, without a bounce
select stored.campaign, stored.message_key, job_id, email, domain,
       case when first_sent_at <= until then first_sent_at end as first_sent_at,
       first_event_at,
       case when last_event_at <= until then last_event_at else last_moments.last_at end as last_event_at,
       case when sents > 0 and first_sent_at <= until then 1 else 0 end as sents,
       case when delivered_at <= until then 1 else 0 end as deliveries,
       case when delivered_at <= until then delivered_at end as delivered_at,
       case when delivered_at <= until then delivered_at end as last_delivery_at,
       case when first_human_open_at <= until then 1 else 0 end
           + case when first_machine_open_at <= until then 1 else 0 end as opens,
       case when first_machine_open_at <= until then 1 else 0 end as machine_opens,
       case when first_open_at <= until then first_open_at end as first_open_at,
       case when first_click_at <= until then 1 else 0 end as clicks,
       case when first_click_at <= until then first_click_at end as first_click_at,
       case when complained_at <= until then 1 else 0 end as complaints,
       case when unsubscribed_at <= until then 1 else 0 end as unsubscribes,
       not_sent
from stored_messages as stored
join cuts on cuts.campaign = stored.campaign
left join last_moments on last_moments.campaign = stored.campaign and last_moments.message_key = stored.message_key
where not is_irregular and first_event_at <= until and last_event_at >= ended_by
union all
select campaign, message_key, job_id, email, domain, first_sent_at, first_event_at, last_event_at,
       sents, deliveries, delivered_at, last_delivery_at, opens, machine_opens, first_open_at, clicks, first_click_at, complaints, unsubscribes, not_sent
from irregular_facts
