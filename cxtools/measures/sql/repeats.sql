-- How often did those who opened or clicked do so?
-- grain:   one row per campaign x kind x times (and value of each column it is split by)
-- params:  none
-- reads:   messages, open_counts, clicks
-- columns: campaign, split, kind (open, click), times (1 to 4; 5 stands for five and more), recipients (delivered, who did so that often), events
--          (opens of theirs, or clicks on content), all_recipients (who did so at all)
with
reactions as (    -- one row per message and kind
    select campaign, message_key, 'open' as kind, events
    from open_counts
    union all
    select campaign, message_key, 'click' as kind, count(*) as events
    from clicks
    where is_content
    group by campaign, message_key
),
counts as (
    select messages.campaign, split, kind, events
    from messages
    join reactions on reactions.campaign = messages.campaign and reactions.message_key = messages.message_key
    where delivered
),
groups as (
    select campaign, split, kind, cast(least(events, 5) as bigint) as times, count(*) as recipients, cast(sum(events) as bigint) as events
    from counts
    group by campaign, split, kind, cast(least(events, 5) as bigint)
)
select campaign, split, kind, times, recipients, events,
       cast(sum(recipients) over (partition by campaign, split, kind) as bigint) as all_recipients
from groups
order by campaign, split, kind desc, times
