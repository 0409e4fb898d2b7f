-- What is known of each message, by the bounce that counts and not by the last one of its row?
-- grain:   one row per message
-- params:  none
-- reads:   row_facts (of layers, or as of a moment), standing_bounces
-- columns: those of row_facts; cause_id and bounced_at are those of the standing bounce
select row_facts.*, standing_bounces.cause_id, standing_bounces.ts as bounced_at
from row_facts
left join standing_bounces
  on standing_bounces.campaign = row_facts.campaign and standing_bounces.message_key = row_facts.message_key
