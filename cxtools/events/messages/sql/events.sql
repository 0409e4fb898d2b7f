-- What happened, each event once?
-- grain:   one row per event
-- params:  received rows of parts, repeats the events that stand there more than once,
--          known the events that are left out; campaign: "campaign, " where rows of several
--          campaigns stand together, else nothing
-- reads:   its params
-- columns: those that messages are made of; counted_at = when it counts: its moment, or when it was received
with
single as (
    select *
    from {received}
    anti join {repeats} using ({campaign}event_hash)
    anti join {known} using ({campaign}event_hash)
),
first_of_repeats as (
    select *
    from {repeats}
    anti join {known} using ({campaign}event_hash)
)
select {campaign}message_key, message_id, recipient_id, job_id, email, kind, raw_kind, by_machine, ts,
       coalesce(ts, received_at) as counted_at, link_url, bounce_code, bounce_text, bounce_class
from single
union all
select {campaign}message_key, message_id, recipient_id, job_id, email, kind, raw_kind, by_machine, ts,
       coalesce(ts, received_at) as counted_at, link_url, bounce_code, bounce_text, bounce_class
from first_of_repeats
