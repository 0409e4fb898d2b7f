-- Which causes stand behind the bounces, most frequent first?
-- grain:   one row per campaign x reason x category x kind (and value of each column it is split by)
-- params:  none
-- reads:   messages
-- columns: campaign, split, reason, bounce_code (an example), category, kind, confidence (of the least sure verdict), rule (that gave it),
--          recipients, bounced (in the campaign), first_at, last_at
with
causes as (
    select campaign, split, reason, category, bounce_kind as kind,
           min(bounce_code) as bounce_code,
           min(confidence) as confidence,
           arg_min(rule, (confidence, rule)) as rule,
           count(*) as recipients,
           min(bounced_at) as first_at,
           max(bounced_at) as last_at
    from messages
    where bounced
    group by all
)
select campaign, split, reason, bounce_code, category, kind, confidence, rule, recipients,
       cast(sum(recipients) over (partition by campaign) as bigint) as bounced,
       first_at, last_at
from causes
order by campaign, split, recipients desc, reason, category, kind
