-- What became of each message?
-- grain:   one row per message
-- params:  messages how far they got, last_bounces the last bounce of each
-- reads:   its params
-- columns: those of new_messages.sql; bounces, and of the last one cause_id and bounced_at;
--          is_irregular: its state at an earlier moment can't be told from this row alone
select message_key, job_id, email, domain, is_mixed,
       first_sent_at, first_event_at, last_event_at, undated,
       sents, deferrals, suppressions, not_sent,
       deliveries, delivered_at, last_delivery_at,
       opens, machine_opens, first_open_at, first_human_open_at, first_machine_open_at,
       clicks, first_click_at, complaints, complained_at, unsubscribes, unsubscribed_at,
       coalesce(bounces, 0) as bounces, cause_id, bounced_at,
       is_mixed or undated > 0 or deliveries > 1
           or (suppressions > 0 and first_event_at < last_event_at)
           or (sents > 0 and deliveries = 0 and coalesce(bounces > 1 or bounced_at = first_sent_at, false)) as is_irregular
from {messages} as messages
left join {last_bounces} as last_bounces using (message_key)
