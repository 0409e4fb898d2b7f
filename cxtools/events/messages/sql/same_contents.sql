-- How many of the distinct things that the new events tell had been told before?
-- grain:   one row
-- params:  none
-- reads:   counted_events, base_events, near_messages
-- columns: contents
with
new as (
    select distinct content_hash(coalesce(message_key, 0), kind, ts, link_url, bounce_code, bounce_text) as content
    from counted_events
    semi join near_messages on near_messages.message_key = coalesce(counted_events.message_key, 0)
),
base as (
    select content_hash(coalesce(message_key, 0), kind, ts, link_url, bounce_code, bounce_text) as content
    from base_events
    semi join near_messages on near_messages.message_key = coalesce(base_events.message_key, 0)
)
select count(*) as contents
from new
semi join base using (content)
