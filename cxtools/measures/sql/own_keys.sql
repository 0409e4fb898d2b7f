-- By which keys do raw events name one person's messages, or messages that events name the person in beside another?
-- grain:   one row per key; those of events that no message is known of are among them
-- params:  none
-- reads:   own_messages, stored_irregular_events (all events of messages that name several addresses), stored_splits, stored_aliases, wanted_person
-- columns: message_key
with
named as (
    select message_key from own_messages
    union all
    select message_key
    from stored_irregular_events
    where lower(email) = (select lower(email) from wanted_person)
),
whole as (        -- as they were before one person's sendings were told apart
    select message_key from named
    union all
    select message_key
    from stored_splits
    where split_key is null or split_key in (select message_key from named)
)
select message_key from whole
union
select message_key
from stored_aliases
where resolved_key is null or resolved_key in (select message_key from whole)
