-- What did servers say when they bounced?
-- grain:   one row per bounce event
-- params:  none
-- reads:   counted_events
-- columns: in one order, so that causes have the same numbers whoever counts them: message_key, ts, counted_at, bounce_code, bounce_text, bounce_class
select message_key, ts, counted_at, bounce_code, bounce_text, bounce_class
from counted_events
where kind = 'bounce' and message_key is not null
order by bounce_code, bounce_text, bounce_class, message_key
