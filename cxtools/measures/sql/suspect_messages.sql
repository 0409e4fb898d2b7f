-- Which messages were clicked by what behaves like a machine?
-- grain:   one row per message
-- params:  none
-- reads:   clicker_flags
-- columns: campaign, message_key
select campaign, message_key
from clicker_flags
where suspect
order by campaign, message_key
