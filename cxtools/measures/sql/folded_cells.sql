-- What do cells have in common that are parted by more than is asked for?
-- grain:   one row per combination of what messages can be
-- params:  none
-- reads:   cells_asked_about
-- columns: those of cells.sql
select campaign, split, cause_id, attempted, delivered, reached, bounced, late_bounced, opened, opened_by_human, opened_by_machine, clicked, not_sent,
       opened_before, clicked_before, opened_fast, open_hours, click_hours,
       cast(sum(messages) as bigint) as messages, min(first_at) as first_at, max(last_at) as last_at,
       min(first_bounced_at) as first_bounced_at, max(last_bounced_at) as last_bounced_at
from cells_asked_about
group by campaign, split, cause_id, attempted, delivered, reached, bounced, late_bounced, opened, opened_by_human, opened_by_machine, clicked, not_sent,
         opened_before, clicked_before, opened_fast, open_hours, click_hours
