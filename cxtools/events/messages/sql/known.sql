-- Which events of these parts does the layer hold already?
-- grain:   one row per event hash
-- params:  none
-- reads:   received, base_received
-- columns: event_hash
select distinct event_hash
from received
semi join base_received using (event_hash)
