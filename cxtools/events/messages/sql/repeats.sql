-- Of the rows that repeat an event, which one is the event?
-- grain:   one row per event that stands in these parts more than once
-- params:  precedence  the order of rows with one id, of events/parts.py
-- reads:   received, repeated
-- columns: those of a part but the raw row: rows that differ in nothing else are as good as one another
with
in_order as (
    select received.*,
           row_number() over (
               partition by event_id
               order by {precedence}
           ) as nth
    from received
    semi join repeated using (event_hash)
)
select event_id, kind, raw_kind, job_id, message_id, recipient_id, email, ts,
       bounce_code, bounce_text, link_url, user_agent, ip, bounce_class, by_machine,
       source, received_at, event_hash, message_key
from in_order
where nth = 1
