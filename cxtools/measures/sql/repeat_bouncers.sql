-- In how many campaigns did those bounce who bounced?
-- grain:   one row per campaign x campaigns (and value of each column it is split by)
-- params:  none
-- reads:   all_messages, messages
-- columns: campaign, split, campaigns (of those that are asked about, in which the address bounced; 5 stands for five and more), recipients (bounced in
--          this campaign), all_recipients (bounced in it, with an address)
with
bouncers as (     -- one row per address
    select email, count(distinct campaign) as campaigns
    from all_messages
    where bounced and email <> ''
    group by email
),
groups as (
    select campaign, split, cast(least(campaigns, 5) as bigint) as campaigns, count(*) as recipients
    from messages
    join bouncers on bouncers.email = messages.email
    where bounced
    group by campaign, split, cast(least(campaigns, 5) as bigint)
)
select campaign, split, campaigns, recipients,
       cast(sum(recipients) over (partition by campaign, split) as bigint) as all_recipients
from groups
order by campaign, split, campaigns
