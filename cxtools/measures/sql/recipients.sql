-- Who are the people behind a count?
-- grain:   one row per message that is asked about
-- params:  condition  what the message must be, beside what was asked for
-- reads:   messages, standing_bounces (the words of the server), clicks and urls where the condition names a link
-- columns: campaign, email, domain, then what became of the message (words: README), and of a bounced one bounced_at, category, kind,
--          reason, bounce_code, bounce_text (as the server wrote it)
select messages.campaign, messages.email, messages.domain, messages.first_at,
       attempted, delivered, bounced, late_bounced,
       reached and (opened or clicked) as opened,
       reached and clicked as clicked,
       complained, delivered_at, first_open_at, first_click_at, bounced_at, category, bounce_kind as kind, reason, messages.bounce_code,
       case when bounced then standing_bounces.bounce_text end as bounce_text
from messages
left join standing_bounces on standing_bounces.campaign = messages.campaign and standing_bounces.message_key = messages.message_key
where {condition}
order by messages.campaign, messages.domain, messages.email
