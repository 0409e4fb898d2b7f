-- Who of these jobs' recipients clicked what, and when?
-- grain:   one row per click
-- params:  none
-- reads:   clicks, all_messages (of one campaign, those of the jobs)
-- columns: message_key, link_url, clicked_at (ISO 8601 text, null when it has no moment)
select clicks.message_key, clicks.link_url, iso_text(clicks.ts) as clicked_at
from clicks
semi join all_messages using (campaign, message_key)
order by clicks.message_key, clicks.ts nulls last, clicks.link_url
