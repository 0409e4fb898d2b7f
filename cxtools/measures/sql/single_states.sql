-- What are the messages that are asked about, as far as they are counted?
-- grain:   one row per message
-- params:  none
-- reads:   message_delays
-- columns: those of counted_states.sql; messages is 1; open_delay_s and click_delay_s of message_delays.sql
select campaign, split, cause_id, attempted, delivered, reached, bounced, late_bounced, opened, opened_by_human, opened_by_machine, clicked, not_sent,
       first_open_at < delivered_at as opened_before,
       first_click_at < delivered_at as clicked_before,
       seconds_between(delivered_at, first_open_at) between 0 and 10 as opened_fast,
       cast(1 as bigint) as messages, first_at, last_at,
       bounced_at as first_bounced_at, bounced_at as last_bounced_at,
       open_delay_s, click_delay_s
from message_delays
