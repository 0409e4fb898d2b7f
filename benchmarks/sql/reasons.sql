with causes as (
    select reason, category, bounce_kind as kind, min(confidence) as confidence, count(*) as recipients,
           min(bounced_at) as first_at, max(bounced_at) as last_at
    from messages
    where bounced
    group by all
)
select *, cast(sum(recipients) over () as bigint) as bounced
from causes
