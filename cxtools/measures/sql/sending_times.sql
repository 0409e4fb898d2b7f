-- When was each message sent, as far as that can be told?
-- grain:   one row per message
-- params:  none
-- reads:   all_messages
-- columns: campaign, message_key, sent_at (as in sending_moments.sql)
select campaign, message_key,
       case when is_sent or first_at is null then first_at
            else coalesce(max(case when is_sent then first_at end) over (partition by campaign, job_id order by first_at
                                                                         range between unbounded preceding and current row), first_at)
       end as sent_at
from all_messages
