-- How many opened or clicked within an hour, a day, three days, a week of delivery?
-- grain:   one row per campaign x kind x hours (and value of each column it is split by)
-- params:  none
-- reads:   delays
-- columns: campaign, split, kind (open, click), hours (1, 24, 72, 168), recipients (within them), ever (however long it took), delivered
select campaign, split, kind, hours,
       cast(sum(case when delay_s <= hours * 3600 then messages else 0 end) as bigint) as recipients,
       cast(sum(case when delay_s is not null then messages else 0 end) as bigint) as ever,
       cast(sum(messages) as bigint) as delivered
from delays
cross join (values (1), (24), (72), (168)) as windows(hours)
group by campaign, split, kind, hours
order by campaign, split, kind desc, hours
