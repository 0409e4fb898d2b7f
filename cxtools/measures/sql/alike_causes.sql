-- What tells the texts of each cause from others, whatever number the cause has in a layer?
-- grain:   one row per campaign x cause
-- params:  none
-- reads:   stored_causes
-- columns: campaign, cause_id, alike
select campaign, cause_id, campaign || chr(10) || bounce_code || chr(10) || bounce_class || chr(10) || cause as alike
from stored_causes
