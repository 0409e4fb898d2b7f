-- What did servers say when they bounced? Each saying is judged once.
-- grain:   one row per distinct code and text
-- params:  none
-- reads:   counted_events
-- columns: bounce_code, bounce_text
select distinct bounce_code, bounce_text
from counted_events
where kind = 'bounce'
