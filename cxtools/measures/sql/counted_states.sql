-- What do messages have in common, and how many are they?
-- grain:   one row per combination of what messages can be
-- params:  none
-- reads:   single_states
-- columns: campaign, split, cause_id, attempted, delivered, reached, bounced, late_bounced, opened, opened_by_human, opened_by_machine, clicked and
--          not_sent of all_messages.sql; opened_before, clicked_before (the delivery), opened_fast (within seconds of it); messages; first_at,
--          last_at, first_bounced_at, last_bounced_at (of all of them)
select campaign, split, cause_id, attempted, delivered, reached, bounced, late_bounced, opened, opened_by_human, opened_by_machine, clicked, not_sent,
       opened_before, clicked_before, opened_fast,
       count(*) as messages, min(first_at) as first_at, max(last_at) as last_at,
       min(first_bounced_at) as first_bounced_at, max(last_bounced_at) as last_bounced_at
from single_states
group by campaign, split, cause_id, attempted, delivered, reached, bounced, late_bounced, opened, opened_by_human, opened_by_machine, clicked, not_sent,
         opened_before, clicked_before, opened_fast
