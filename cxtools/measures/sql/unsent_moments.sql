-- When were those messages sent of which no sending is told, as far as that can be told?
-- grain:   one row per message with a moment, of which neither a sending nor a delivery is told
-- params:  rows  the messages, all of their campaigns
-- reads:   its params
-- columns: campaign, message_key, sent_at (the last moment of a sending of its job, or of the campaign's mail without a job, before its first
--          event; else its first event)
with
others as (       -- a job as a number is faster to compare
    select campaign, message_key, text_hash(campaign || coalesce(job_id, '')) as job, first_at
    from {rows} as messages
    where not is_sent and first_at is not null
),
sendings as (     -- of their jobs; where there are no others no sending is looked at
    select job, first_at
    from (select text_hash(campaign || coalesce(job_id, '')) as job, first_at from {rows} as messages where is_sent and first_at is not null) as sent
    semi join others using (job)
),
stream as (
    select campaign, message_key, job, first_at, false as is_sending from others
    union all
    select cast(null as string) as campaign, cast(null as bigint) as message_key, job, first_at, true as is_sending from sendings
),
known as (
    select campaign, message_key, first_at,
           max(case when is_sending then first_at end) over (partition by job order by first_at
                                                             range between unbounded preceding and current row) as sending_at
    from stream
)
select campaign, message_key, coalesce(sending_at, first_at) as sent_at
from known
where message_key is not null
