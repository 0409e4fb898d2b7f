-- What do messages have in common, the hours that it took to open and to click them as well, and how many are they?
-- grain:   one row per combination of what messages can be
-- params:  open_hours, click_hours  the SQL of those within which the first came, as in delay_hours.sql
--          states, hour             single_states and nothing; or those with a column last_hour, and ", last_hour" to part cells by it as well
-- reads:   states
-- columns: those of counted_states.sql; open_hours, click_hours
select campaign, split, cause_id, attempted, delivered, reached, bounced, late_bounced, opened, opened_by_human, opened_by_machine, clicked, not_sent,
       opened_before, clicked_before, opened_fast, {open_hours} as open_hours, {click_hours} as click_hours{hour},
       count(*) as messages, min(first_at) as first_at, max(last_at) as last_at,
       min(first_bounced_at) as first_bounced_at, max(last_bounced_at) as last_bounced_at
from {states} as states
group by campaign, split, cause_id, attempted, delivered, reached, bounced, late_bounced, opened, opened_by_human, opened_by_machine, clicked, not_sent,
         opened_before, clicked_before, opened_fast, open_hours, click_hours{hour}
