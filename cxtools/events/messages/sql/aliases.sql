-- Which message do events belong to that name it by half, or otherwise than its sending does?
-- grain:   one row per message key that stands for another message, or for none
-- params:  none
-- reads:   names
-- columns: message_key (as events have it), resolved_key (the message's; null where it can't be told which one it is),
--          email (the address of that message, null where it isn't known)
with
known_people as ( -- addresses that stand beside one recipient id only
    select email, min(recipient_id) as recipient_id
    from names
    where email <> '' and recipient_id <> ''
    group by email
    having min(recipient_id) = max(recipient_id)
),
people as (
    select names.*,
           case when names.recipient_id <> '' then names.recipient_id
                else coalesce(known_people.recipient_id, names.email) end as person
    from names
    left join known_people on known_people.email = names.email
),
sent_to as (      -- one row per message id that was sent: to how many, and to whom if it is one
    select message_id, min(person) as recipient, count(distinct person) as recipients
    from people
    where is_sent and message_id <> '' and person <> ''
    group by message_id
),
feed as (         -- what the events of this campaign name at all; personal: no message id was sent to two people
    select bool_or(person <> '') as has_people,
           max(recipients) = 1 as is_personal
    from people
    left join sent_to on sent_to.message_id = people.message_id
),
recipients as (   -- what somebody else did with a personal message (it was forwarded) belongs to its recipient
    select people.*,
           case when person <> '' and is_personal then coalesce(recipient, person)
                else person end as who
    from people
    cross join feed
    left join sent_to on sent_to.message_id = people.message_id
),
messages as (     -- one row per message; its address is that of its own recipient
    select message_id, who, max(case when who = person and email <> '' then email end) as email
    from recipients
    where message_id <> '' and who <> ''
    group by message_id, who
),
of_message_id as (
    select message_id, min(who) as who, min(email) as email, count(*) as messages
    from messages
    group by message_id
),
of_person as (
    select who, min(message_id) as message_id, min(email) as email, count(*) as messages
    from messages
    group by who
),
resolved as (     -- is_known: it can be told which message it is. No recipient: the only one of that message id
    select message_key, recipients.message_id, coalesce(of_message_id.who, '') as who, of_message_id.email, coalesce(messages, 1) = 1 as is_known
    from recipients
    cross join feed
    left join of_message_id on of_message_id.message_id = recipients.message_id
    where recipients.message_id <> '' and recipients.who = '' and has_people
    union all     -- no message id: the only message of that person, if there is any
    select message_key, coalesce(of_person.message_id, '') as message_id, recipients.who, of_person.email, coalesce(messages, 1) = 1 as is_known
    from recipients
    left join of_person on of_person.who = recipients.who
    where recipients.message_id = '' and recipients.who <> ''
    union all
    select message_key, recipients.message_id, recipients.who, messages.email, true as is_known
    from recipients
    join messages on messages.message_id = recipients.message_id and messages.who = recipients.who
),
keys as (
    select message_key, email,
           case when is_known then key_of(message_id || chr(0) || who) end as resolved_key
    from resolved
)
select message_key, max(resolved_key) as resolved_key, max(email) as email
from keys
where resolved_key is distinct from message_key
group by message_key
