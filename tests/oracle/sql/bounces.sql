-- Why did messages bounce?
-- grain:   one row per campaign x category x kind (and value of each column it is split by)
-- params:  none
-- reads:   messages
-- columns: campaign, split, category, kind, recipients, unauthenticated (of them, since SPF, DKIM or DMARC failed),
--          bounced (in the campaign), attempted (in the campaign and split)
with
outcomes as (     -- one row per group and verdict; category is null for the messages that did not bounce
    select campaign, split, category, bounce_kind as kind, count(*) as recipients,
           count(*) filter (where attempted) as attempted_ones,
           count(*) filter (where is_unauthenticated) as unauthenticated
    from messages
    group by all
),
totals as (
    select outcomes.*,
           sum(attempted_ones) over (partition by campaign, split) as attempted,
           sum(case when category is not null then recipients else 0 end) over (partition by campaign) as bounced
    from outcomes
)
select campaign, split, category, kind, recipients, unauthenticated,
       cast(bounced as bigint) as bounced,
       cast(attempted as bigint) as attempted
from totals
where category is not null
order by campaign, split, recipients desc, category, kind
