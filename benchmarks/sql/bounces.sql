with outcomes as (
    select category, bounce_kind as kind, count(*) as recipients
    from messages
    where bounced
    group by all
)
select outcomes.*, cast(sum(recipients) over () as bigint) as bounced, (select count(*) from messages where attempted) as attempted
from outcomes
