-- By which ids and address do events name their message and its recipient, each text as a number?
-- grain:   one row per message id, recipient id and address that stand together
-- params:  events  that name them
-- reads:   its params
-- columns: message_key (as the event has it), message_id, recipient_id, email (hashes; null where the events have none)
with
numbers as (
    select message_key,
           case when message_id <> '' then text_hash(message_id) end as message_id,
           case when recipient_id <> '' then text_hash(recipient_id) end as recipient_id,
           case when email <> '' then text_hash(email) end as email
    from {events} as events
)
select distinct message_key, message_id, recipient_id, email
from numbers
