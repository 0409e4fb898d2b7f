-- Within how many hours of delivery did the first open and the first click come, by cells?
-- grain:   one row per cell that is asked about x kind (open, click)
-- params:  none
-- reads:   cells_asked_about
-- columns: those of delay_hours.sql
select campaign, split, 'open' as kind, open_hours as hours, messages
from cells_asked_about
where delivered
union all
select campaign, split, 'click' as kind, click_hours as hours, messages
from cells_asked_about
where delivered
