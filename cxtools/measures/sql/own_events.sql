-- What happened to one person's mail, by the events with the address and by those of messages to it?
-- grain:   one row per event
-- params:  none
-- reads:   events, own_messages, wanted_person
-- columns: campaign, kind, ts, email, job_id, link_url, bounce_code, bounce_text
select events.campaign, kind, ts, events.email, job_id, link_url, bounce_code, bounce_text
from events
left join own_messages on own_messages.campaign = events.campaign and own_messages.message_key = events.message_key
where lower(events.email) = (select lower(email) from wanted_person) or own_messages.message_key is not null
order by events.campaign, ts
