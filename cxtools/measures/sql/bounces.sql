-- Why did messages bounce?
-- grain:   one row per campaign x category x kind (and value of each dimension asked for)
-- params:  none
-- reads:   messages
-- columns: campaign, dimensions, category, kind, recipients, bounced (in the campaign), attempted (in the campaign and dimensions)
with
outcomes as (     -- one row per group and verdict; category is null for the messages that did not bounce
    select campaign, provider, domain, job, day, hour, weekday, category, bounce_kind as kind, count(*) as recipients
    from messages
    where attempted
    group by all
),
totals as (
    select outcomes.*,
           sum(recipients) over (partition by campaign, provider, domain, job, day, hour, weekday) as attempted,
           sum(case when category is not null then recipients else 0 end) over (partition by campaign) as bounced
    from outcomes
)
select campaign, provider, domain, job, day, hour, weekday, category, kind, recipients,
       cast(bounced as bigint) as bounced,
       cast(attempted as bigint) as attempted
from totals
where category is not null
order by campaign, provider, domain, job, day, hour, weekday, recipients desc, category, kind
