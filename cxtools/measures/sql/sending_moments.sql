-- When was each message sent, as far as that can be told?
-- grain:   one row per message
-- params:  none
-- reads:   all_messages_by_kind
-- columns: those of all_messages_by_kind; sent_at (its own first_at where a sending or a delivery is told of it; else the last such moment
--          of its job, or of the campaign's mail without a job, before its first event; else its first event)
select messages.*,
       case when is_sent or first_at is null then first_at
            else coalesce(max(case when is_sent then first_at end) over (partition by campaign, job_id order by first_at
                                                                         range between unbounded preceding and current row), first_at)
       end as sent_at
from all_messages_by_kind as messages
