-- How many opened or clicked within an hour, a day, three days, a week of delivery?
-- grain:   one row per campaign x kind x hours (and value of each column it is split by)
-- params:  none
-- reads:   messages, events (each once, whatever the cut)
-- columns: campaign, split, kind (open, click), hours (1, 24, 72, 168), recipients (within them), ever (however long it took), undated (nobody
--          knows when), delivered; recipients_measured: as recipients, null where nothing of the kind is told, or no moment of it
with
measured as (     -- one row per campaign and kind
    select campaign, 'open' as kind, bool_or(kind = 'open') as is_measured from events group by campaign
    union all
    select campaign, 'click' as kind,
           bool_or(kind = 'click') or (bool_or(kind = 'open') and count(*) filter (where kind = 'delivery') between 1 and 100) as is_measured
    from events
    group by campaign
),
reactions as (
    select messages.*, kind,
           case when kind = 'open' then first_open_at else first_click_at end as reacted_at,
           case when kind = 'open' then opens else clicks end as times
    from messages, (values ('open'), ('click')) as kinds(kind)
    where delivered
),
counts as (
    select campaign, split, kind, hours,
           count(*) filter (where reacted_at is not null and date_diff('second', delivered_at, reacted_at) <= hours * 3600) as recipients,
           count(*) filter (where delivered_at is not null and reacted_at is not null) as ever,
           count(*) filter (where (delivered_at is null or reacted_at is null) and times > 0) as undated,
           count(*) as delivered
    from reactions, (values (1), (24), (72), (168)) as windows(hours)
    where true
    group by campaign, split, kind, hours
)
select counts.*, case when is_measured and not (ever = 0 and undated > 0) then recipients end as recipients_measured
from counts
join measured using (campaign, kind)
order by campaign, split, kind desc, hours
