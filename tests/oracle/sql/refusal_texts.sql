-- What did servers say when they bounced? Each saying is judged once.
-- grain:   one row per distinct code, text and class
-- params:  none
-- reads:   counted_events
-- columns: bounce_code, bounce_text, bounce_class
select distinct bounce_code, bounce_text, bounce_class
from counted_events
where kind = 'bounce'
