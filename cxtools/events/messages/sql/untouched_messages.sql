-- Which messages do the new events leave as they were?
-- grain:   one row per message
-- params:  messages  to choose from; condition  which: all, or a share of them at a time
-- reads:   new_messages
-- columns: those of finished_messages.sql
select message_key, job_id, email, domain, is_mixed,
       first_sent_at, first_event_at, last_event_at, undated,
       sents, deferrals, suppressions, not_sent,
       deliveries, delivered_at, last_delivery_at,
       opens, machine_opens, first_open_at, first_human_open_at, first_machine_open_at,
       clicks, first_click_at, complaints, complained_at, unsubscribes, unsubscribed_at,
       bounces, cause_id, bounced_at, is_irregular
from {messages} as messages
anti join new_messages using (message_key)
where {condition}
