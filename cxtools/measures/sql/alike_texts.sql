-- What did the servers write, but for what differs from recipient to recipient?
-- grain:   one row per campaign x cause of the bounce that stands: texts that are alike but for addresses, numbers and the like
-- params:  condition  what the message must be, beside what was asked for
-- reads:   messages, standing_bounces, alike_causes, clicks and urls where the condition names a link
-- columns: campaign, category, kind, alike (tells these texts from others), bounce_code and bounce_text (of one of them), wordings (how many
--          texts there are), recipients; the most frequent ones first
select messages.campaign, category, bounce_kind as kind,
       alike_causes.alike,
       min_by(standing_bounces.bounce_code, standing_bounces.bounce_text) as bounce_code,
       min(standing_bounces.bounce_text) as bounce_text,
       count(distinct standing_bounces.bounce_text) as wordings,
       count(*) as recipients
from messages
join standing_bounces on standing_bounces.campaign = messages.campaign and standing_bounces.message_key = messages.message_key
join alike_causes on alike_causes.campaign = messages.campaign and alike_causes.cause_id = messages.cause_id
where bounced and {condition}
group by messages.campaign, category, bounce_kind, alike_causes.alike
order by recipients desc, messages.campaign, bounce_code, bounce_text, alike
