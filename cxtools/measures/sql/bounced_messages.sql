-- Which messages bounced, whatever came later?
-- grain:   one row per message
-- params:  columns  those of a layer's messages
-- reads:   stored_main
-- columns: as asked
select {columns}
from stored_main
where cause_id is not null
