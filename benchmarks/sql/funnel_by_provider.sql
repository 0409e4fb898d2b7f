select coalesce(provider, 'other') as provider,
       count(*) filter (where attempted) as attempted,
       count(*) filter (where delivered) as delivered,
       count(*) filter (where taken and bounced) as late_bounced,
       count(*) filter (where bounced) as bounced,
       count(*) filter (where delivered and (opened or clicked)) as opened,
       count(*) filter (where delivered and opened_by_human) as opened_strict,
       count(*) filter (where delivered and clicked) as clicked,
       count(*) filter (where delivered and clicked and not opened) as clicks_without_open,
       min(first_at) as first_at,
       max(last_at) as last_at
from messages
left join providers using (domain)
group by provider
