-- What do bounces, complaints and unsubscribes say of whom?
-- grain:   one row per kind, address, code, text and class
-- params:  none
-- reads:   received (rows of parts)
-- columns: kind, email, bounce_code, bounce_text, bounce_class
select distinct kind, email, bounce_code, bounce_text, bounce_class
from received
where kind in ('bounce', 'complaint', 'unsubscribe') and email <> ''
order by kind, email, bounce_code, bounce_text, bounce_class
