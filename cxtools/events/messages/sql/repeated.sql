-- Which events stand in these parts more than once?
-- grain:   one row per event hash
-- params:  none
-- reads:   received
-- columns: event_hash
select event_hash
from received
group by event_hash
having count(*) > 1
