-- Which values do messages have of the segments that were sent with their recipients?
-- grain:   one row per message and segment
-- params:  none
-- reads:   layer_messages (one row per message), planned (a row says of a person, or of everybody, that a segment has a value)
-- columns: message_key, name, value
with
people as (
    select message_key, key_of(email) as person from layer_messages where email <> ''
)
select people.message_key, planned.name, planned.value
from people
join planned on planned.person = people.person
union all
select layer_messages.message_key, planned.name, planned.value
from layer_messages
cross join planned
where planned.person is null
