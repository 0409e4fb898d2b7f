-- At which domains does mail come back for certain, and not by chance?
-- grain:   one row per campaign x domain with a bounce (and value of each column it is split by), the highest lower bound of its rate first
-- params:  none
-- reads:   messages
-- columns: campaign, split, domain, attempted, bounced, people (to whom that was attempted)
with
domains as (
    select campaign, split, domain,
           count(*) filter (where attempted) as attempted,
           count(*) filter (where bounced) as bounced,
           count(distinct case when attempted then lower(email) end) as people
    from messages
    where domain <> ''
    group by campaign, split, domain
),
rates as (        -- the centre and the half width of Wilson's 95 % interval, both times 1 + z² / n
    select campaign, split, domain, attempted, bounced, people,
           bounced / cast(attempted as double) as rate,
           1.959963984540054e0 as z
    from domains
    where bounced > 0 and attempted > 0
)
select campaign, split, domain, attempted, bounced, people
from rates
order by campaign, split,
         round((rate + z * z / (2 * attempted) - z * sqrt(rate * (1 - rate) / attempted + z * z / (4e0 * attempted * attempted))) / (1 + z * z / attempted), 12) desc,
         domain
