-- What did servers say when they bounced? Each saying is judged once.
-- grain:   one row per distinct code and text
-- params:  none
-- reads:   seen
-- columns: bounce_code, bounce_text
select distinct bounce_code, bounce_text
from seen
where kind = 'bounce'
