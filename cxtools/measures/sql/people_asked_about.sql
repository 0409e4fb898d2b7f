-- How many people are the messages of that are asked about?
-- grain:   one row per campaign
-- params:  none
-- reads:   messages
-- columns: campaign, people (whoever has several messages counts once; one without an address is of somebody else)
select campaign,
       count(distinct case when email <> '' then lower(email) else cast(message_key as string) end) as people
from messages
group by campaign
order by campaign
