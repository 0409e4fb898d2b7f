-- Which messages' names need a look, because others share a part of them and lack or differ in another?
-- grain:   one row per message key
-- params:  none
-- reads:   name_numbers
-- columns: message_key (as events have it)
with
people as (
    select name_numbers.*, coalesce(recipient_id, email) as person
    from name_numbers
),
addresses as (    -- that stand beside a recipient id here, and without one there
    select email
    from people
    where email is not null
    group by email
    having count(recipient_id) between 1 and count(*) - 1
),
persons as (      -- that stand beside a message id here, and without one there; or beside such an address
    select person
    from people
    where person is not null
    group by person
    having count(message_id) between 1 and count(*) - 1
    union
    select person from people semi join addresses using (email)
),
message_ids as (  -- that stand beside several people
    select message_id
    from people
    where message_id is not null
    group by message_id
    having min(message_key) <> max(message_key)
)
select message_key from people semi join persons using (person)
union
select message_key from people semi join message_ids using (message_id)
