-- When did each campaign start?
-- grain:   one row per campaign
-- params:  none
-- reads:   events
-- columns: campaign, first_at (UTC; null when no event has a moment)
select campaign,
       coalesce(min(ts) filter (where kind in ('sent', 'delivery', 'bounce')), min(ts)) as first_at
from events
group by campaign
order by campaign
