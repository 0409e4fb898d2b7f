-- What did the servers write, word for word?
-- grain:   one row per campaign x category x kind x code x text of the bounce that stands x domain: texts are masked before domains are counted
-- params:  condition  what the message must be, beside what was asked for
-- reads:   messages, standing_bounces, clicks and urls where the condition names a link
-- columns: campaign, category, kind, bounce_code, bounce_text, domain (of these people), recipients, first_at, last_at
select messages.campaign, category, bounce_kind as kind, standing_bounces.bounce_code, standing_bounces.bounce_text,
       messages.domain,
       count(*) as recipients,
       min(messages.bounced_at) as first_at,
       max(messages.bounced_at) as last_at
from messages
join standing_bounces on standing_bounces.campaign = messages.campaign and standing_bounces.message_key = messages.message_key
where bounced and {condition}
group by messages.campaign, category, bounce_kind, standing_bounces.bounce_code, standing_bounces.bounce_text, messages.domain
order by messages.campaign, bounce_code, bounce_text, messages.domain
