-- What did servers say that no rule understands, or only just (confidence below 0.5), most frequent first?
-- grain:   one row per campaign x bounce_code x bounce_text (and value of each column it is split by)
-- params:  none
-- reads:   messages, standing_bounces
-- columns: campaign, split, code, text (both as they came), recipients
select messages.campaign, messages.split,
       standing_bounces.bounce_code as code,
       standing_bounces.bounce_text as text,
       count(*) as recipients
from messages
join standing_bounces
  on standing_bounces.campaign = messages.campaign and standing_bounces.message_key = messages.message_key
where messages.category = 'unknown' or messages.confidence < 0.5
group by messages.campaign, messages.split, standing_bounces.bounce_code, standing_bounces.bounce_text
order by campaign, split, recipients desc, code, text
