-- What do bounces, complaints and unsubscribes say of whom?
-- grain:   one row per kind, address, code, text and class
-- params:  aliases  what was found out of the events' names
-- reads:   received (rows of parts), its params
-- columns: kind, email (where the event has none, that of the only message it can belong to; "" where that isn't known),
--          bounce_code, bounce_text, bounce_class
select distinct received.kind,
       case when received.email <> '' then received.email
            when aliases.resolved_key is not null then coalesce(aliases.email, '')
            else '' end as email,
       received.bounce_code, received.bounce_text, received.bounce_class
from received
left join {aliases} as aliases on aliases.message_key = received.message_key
where received.kind in ('bounce', 'complaint', 'unsubscribe')
order by kind, email, bounce_code, bounce_text, bounce_class
