-- Which links were followed?
-- grain:   one row per click
-- params:  none
-- reads:   counted_events
-- columns: message_key, ts, counted_at, link_url, is_content (not an unsubscribe or preference link)
select message_key, ts, counted_at, link_url,
       not regexp_like(lower(link_url), 'unsub|opt-?out|preference|abmeld|list-manage|manage[-_]?(subscription|email)') as is_content
from counted_events
where kind = 'click' and message_key is not null
