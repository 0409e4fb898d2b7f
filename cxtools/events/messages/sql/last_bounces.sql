-- Which bounce is the last of its message, and how many are there?
-- grain:   one row per message that bounced
-- params:  bounces  the bounces to choose from
-- reads:   its params
-- columns: message_key, bounces, cause_id, bounced_at
with
in_order as (
    select message_key, ts, cause_id,
           count(*) over (partition by message_key) as bounces,
           row_number() over (
               partition by message_key
               order by ts desc nulls last, bounce_code, bounce_text, bounce_class
           ) as nth
    from {bounces}
)
select message_key, cast(bounces as int) as bounces, cause_id, ts as bounced_at
from in_order
where nth = 1
