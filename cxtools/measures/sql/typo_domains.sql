-- Which domains are mistyped ones, and what became of the mail to them?
-- grain:   one row per campaign x domain that looks mistyped (and value of each column it is split by), most frequent first
-- params:  none
-- reads:   messages, typos (domain, meant)
-- columns: campaign, split, domain, meant (the domain that was probably meant), recipients (of it, mailed or not), attempted, delivered (somebody else may
--          read them), bounced, people (behind the messages)
select campaign, split, messages.domain, typos.meant,
       count(*) as recipients,
       count(*) filter (where attempted) as attempted,
       count(*) filter (where delivered) as delivered,
       count(*) filter (where bounced) as bounced,
       count(distinct lower(email)) as people
from messages
join typos on typos.domain = messages.domain
group by campaign, split, messages.domain, typos.meant
order by campaign, split, count(*) desc, messages.domain
