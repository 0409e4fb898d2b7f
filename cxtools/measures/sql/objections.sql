-- Of how many messages did people complain, and how many unsubscribed?
-- grain:   one row per kind
-- params:  none
-- reads:   received (rows of parts), cut (one row: until, missing where everything counts)
-- columns: kind, messages (each once, however often its person said so)
select received.kind, count(distinct received.message_key) as messages
from received
cross join cut
where received.kind in ('complaint', 'unsubscribe')
  and (cut.until is null or coalesce(received.ts, received.received_at) <= cut.until)
group by received.kind
order by received.kind
