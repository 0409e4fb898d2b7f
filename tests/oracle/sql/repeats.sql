-- How often did those who opened or clicked do so?
-- grain:   one row per campaign x kind x times (and value of each column it is split by)
-- params:  none
-- reads:   messages
-- columns: campaign, split, kind (open, click), times (1 to 4; 5 for more), recipients, events, all_recipients
with
reactions as (
    select campaign, split, kind, case when kind = 'open' then opens else clicks end as events
    from messages, (values ('open'), ('click')) as kinds(kind)
    where delivered
),
groups as (
    select campaign, split, kind, case when events > 4 then 5 else events end as times, count(*) as recipients, sum(events)::bigint as events
    from reactions
    where events > 0
    group by all
)
select groups.campaign, groups.split, groups.kind, times, recipients, events,
       (select sum(other.recipients)::bigint from groups as other
        where other.campaign = groups.campaign and other.split is not distinct from groups.split and other.kind = groups.kind) as all_recipients
from groups
order by campaign, split, kind desc, times
