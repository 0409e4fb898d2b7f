-- Which causes stand behind the bounces, most frequent first?
-- grain:   one row per campaign x reason x category x kind (and value of each column it is split by)
-- params:  none
-- reads:   messages
-- columns: campaign, split, reason, bounce_code (an example), category, kind, confidence (of the least sure verdict), rule (that gave it),
--          recipients, bounced (in the campaign), first_at, last_at
with
verdicts_of as (  -- one row per group, cause and verdict; the least sure one is the first of its cause
    select campaign, split, reason, category, bounce_kind as kind, confidence, rule,
           min(bounce_code) as bounce_code,
           count(*) as recipients,
           min(bounced_at) as first_at,
           max(bounced_at) as last_at,
           row_number() over (partition by campaign, split, reason, category, bounce_kind order by confidence, rule) as nth
    from messages
    where bounced
    group by campaign, split, reason, category, bounce_kind, confidence, rule
),
causes as (
    select campaign, split, reason, category, kind,
           min(bounce_code) as bounce_code,
           min(confidence) as confidence,
           max(case when nth = 1 then rule end) as rule,
           cast(sum(recipients) as bigint) as recipients,
           min(first_at) as first_at,
           max(last_at) as last_at
    from verdicts_of
    group by campaign, split, reason, category, kind
)
select campaign, split, reason, bounce_code, category, kind, confidence, rule, recipients,
       cast(sum(recipients) over (partition by campaign) as bigint) as bounced,
       first_at, last_at
from causes
order by campaign, split, recipients desc, reason, category, kind
