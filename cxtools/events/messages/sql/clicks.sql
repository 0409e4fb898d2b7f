-- Which links were followed?
-- grain:   one row per click
-- params:  is_content  whether a link is content (purposes.py)
-- reads:   counted_events
-- columns: message_key, ts, counted_at, link_url, is_content (not an unsubscribe or preference link)
select message_key, ts, counted_at, link_url,
       {is_content} as is_content
from counted_events
where kind = 'click' and message_key is not null
