-- How many of the distinct things that the new events tell had been told before?
-- grain:   one row
-- params:  none
-- reads:   counted_events, base_events, near_messages
-- columns: contents
with
new as (
    select distinct content_hash(message_key, kind, ts, link_url, bounce_code, bounce_text) as content
    from counted_events
    semi join near_messages using (message_key)
),
base as (
    select content_hash(message_key, kind, ts, link_url, bounce_code, bounce_text) as content
    from base_events
    semi join near_messages using (message_key)
)
select count(*) as contents
from new
semi join base using (content)
