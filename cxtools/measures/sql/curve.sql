-- How many have opened or clicked within so many hours of delivery?
-- grain:   one row per campaign x kind x hours with news (and value of each column it is split by)
-- params:  none
-- reads:   delay_hours
-- columns: campaign, split, kind, hours (1 = within the first hour; after three days in whole days), recipients (since
--          the hours before), cumulative (until its end), delivered
with
counts as (       -- one row per hour with news; hours is null for those who did nothing
    select campaign, split, kind, hours, cast(sum(messages) as bigint) as recipients
    from delay_hours
    group by campaign, split, kind, hours
),
totals as (
    select counts.*,
           sum(recipients) over (partition by campaign, split, kind order by hours nulls last) as cumulative,
           sum(recipients) over (partition by campaign, split, kind) as delivered
    from counts
)
select campaign, split, kind, hours, recipients,
       cast(cumulative as bigint) as cumulative,
       cast(delivered as bigint) as delivered
from totals
where hours is not null
order by campaign, split, kind desc, hours
