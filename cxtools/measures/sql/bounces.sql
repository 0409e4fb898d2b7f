-- Why did messages bounce?
-- grain:   one row per campaign x category x kind (and value of each column it is split by)
-- params:  none
-- reads:   states, verdicts
-- columns: campaign, split, category, kind, recipients, unauthenticated (of them, since SPF, DKIM or DMARC failed),
--          bounced (in the campaign), attempted (in the campaign and split)
with
causes as (       -- one row per cause, which is a number: the words of its verdict are many more
    select campaign, split, cause_id, sum(messages) as recipients
    from states
    where bounced
    group by campaign, split, cause_id
),
categories as (
    select causes.campaign, split, category, kind,
           cast(sum(recipients) as bigint) as recipients,
           cast(sum(case when is_unauthenticated then recipients else 0 end) as bigint) as unauthenticated
    from causes
    join verdicts on verdicts.campaign = causes.campaign and verdicts.cause_id = causes.cause_id
    group by causes.campaign, split, category, kind
),
totals as (
    select campaign, split, cast(sum(case when attempted then messages else 0 end) as bigint) as attempted
    from states
    group by campaign, split
)
select categories.campaign, categories.split, category, kind, recipients, unauthenticated,
       cast(sum(recipients) over (partition by categories.campaign) as bigint) as bounced,
       attempted
from categories
join totals on totals.campaign = categories.campaign and totals.split is not distinct from categories.split
order by categories.campaign, categories.split, recipients desc, category, kind
