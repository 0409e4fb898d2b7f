-- Which domains are mistyped ones, and what became of the mail to them?
-- grain:   one row per campaign x domain that looks mistyped (and value of each column it is split by), most frequent first
-- params:  none
-- reads:   messages, typos (domain, meant)
-- columns: campaign, split, domain, meant, recipients, attempted, delivered, bounced
select campaign, split, messages.domain, (select any_value(meant) from typos where typos.domain = messages.domain) as meant,
       count(*) as recipients,
       count(*) filter (where attempted) as attempted,
       count(*) filter (where delivered) as delivered,
       count(*) filter (where bounced) as bounced
from messages
where messages.domain in (select typos.domain from typos)
group by campaign, split, messages.domain
order by campaign, split, recipients desc, messages.domain
