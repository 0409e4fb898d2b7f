-- What do the layers say of each message?
-- grain:   one row per message
-- params:  bounce  ", cause_id, bounced_at" for those of the last bounce, else nothing
-- reads:   stored_messages
-- columns: campaign, message_key and what all_messages.sql is made of
select campaign, message_key, job_id, email, domain, first_sent_at, first_event_at, last_event_at,
       sents, deliveries, delivered_at, last_delivery_at, opens, machine_opens, first_open_at, clicks, first_click_at, complaints, unsubscribes, not_sent{bounce}
from stored_messages
