-- At which domains does mail come back, for certain and not by chance?
-- grain:   one row per campaign x domain with a bounce (and value of each column it is split by), the highest lower bound of its rate first
-- params:  none
-- reads:   messages, wilson_low (of a part and a whole)
-- columns: campaign, split, domain, attempted, bounced
select campaign, split, domain, count(*) filter (where attempted) as attempted, count(*) filter (where bounced) as bounced
from messages
where domain <> ''
group by campaign, split, domain
having count(*) filter (where bounced) > 0
order by campaign, split, round(wilson_low(count(*) filter (where bounced), count(*) filter (where attempted)), 12) desc, domain
