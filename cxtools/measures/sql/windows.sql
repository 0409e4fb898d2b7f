-- How many opened or clicked within an hour, a day, three days, a week of delivery?
-- grain:   one row per campaign x kind x hours (and value of each column it is split by)
-- params:  none
-- reads:   delay_hours, states, stored_counts (of all events, whatever the moment)
-- columns: campaign, split, kind (open, click), hours (1, 24, 72, 168), recipients (within them), ever (however long it took), undated (did so,
--          and nobody knows when), delivered; recipients_measured (as recipients; null where the campaign's events hold none of that kind at all, as
--          in funnel.sql, and where no moment is known of those who did so)
with
reactions as (    -- whoever did so, whether a moment is known or not
    select campaign, split, kind, sum(case when kind = 'open' and opened or kind = 'click' and clicked then messages else 0 end) as messages
    from states
    cross join (values ('open'), ('click')) as kinds(kind)
    where delivered
    group by campaign, split, kind
),
known as (
    select campaign, split, kind, hours, sum(messages) as messages from delay_hours group by campaign, split, kind, hours
),
sums as (
    select campaign, split, kind, windows.hours,
           cast(sum(case when known.hours <= windows.hours then messages else 0 end) as bigint) as recipients,
           cast(sum(case when known.hours is not null then messages else 0 end) as bigint) as ever,
           cast(sum(messages) as bigint) as delivered
    from known
    cross join (values (1), (24), (72), (168)) as windows(hours)
    group by campaign, split, kind, windows.hours
),
told as (
    select sums.*, cast(reactions.messages - ever as bigint) as undated,
           case when sums.kind = 'open' then stored_counts.opens > 0
                else stored_counts.clicks > 0 or (stored_counts.opens > 0 and stored_counts.deliveries between 1 and 100) end as is_measured
    from sums
    join reactions on reactions.campaign = sums.campaign and reactions.split is not distinct from sums.split and reactions.kind = sums.kind
    join stored_counts on stored_counts.campaign = sums.campaign
)
select campaign, split, kind, hours, recipients, ever, undated, delivered,
       case when is_measured and not (ever = 0 and undated > 0) then recipients end as recipients_measured
from told
order by campaign, split, kind desc, hours
