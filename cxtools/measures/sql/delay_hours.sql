-- Within how many hours of delivery did the first open and the first click come?
-- grain:   one row per campaign x kind (open, click) x second (and value of each column it is split by)
-- params:  hours  the SQL of them
-- reads:   delays
-- columns: campaign, split, kind, hours (1 = within the first hour; after three days in whole days; null when it never came), messages
--          (delivered ones)
select campaign, split, kind, {hours} as hours, messages
from delays
