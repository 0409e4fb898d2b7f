-- Which of the known events have a row in these parts that comes before the one the layer counts?
-- grain:   one row per event
-- params:  precedence  the order of rows with one id, of events/parts.py
-- reads:   received, base_received, known
-- columns: event_id
with
rows_of_both as (
    select event_id, true as is_new, received_at, source, ts, kind, raw_kind, job_id, message_id,
           recipient_id, email, bounce_code, bounce_text, bounce_class, link_url, user_agent, ip,
           by_machine
    from received
    semi join known using (event_hash)
    union all
    select event_id, false as is_new, received_at, source, ts, kind, raw_kind, job_id, message_id,
           recipient_id, email, bounce_code, bounce_text, bounce_class, link_url, user_agent, ip,
           by_machine
    from base_received
    semi join known using (event_hash)
),
in_order as (
    select event_id, is_new,
           row_number() over (
               partition by event_id
               order by {precedence}, is_new
           ) as nth
    from rows_of_both
)
select event_id
from in_order
where nth = 1 and is_new
