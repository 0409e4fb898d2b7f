-- Which causes stand behind the bounces, most frequent first?
-- grain:   one row per campaign x reason x category x kind (and value of each column it is split by)
-- params:  none
-- reads:   states, verdicts
-- columns: campaign, split, reason, bounce_code (an example), category, kind, confidence (of the least sure verdict), rule (that gave it),
--          recipients, bounced (in the campaign), first_at, last_at
with
counts as (       -- one row per code and text, which are a number: the words of their verdict are many more
    select campaign, split, cause_id,
           sum(messages) as recipients, min(first_bounced_at) as first_at, max(last_bounced_at) as last_at
    from states
    where bounced
    group by campaign, split, cause_id
),
verdicts_of as (  -- with its verdict; the least sure one is the first of its reason
    select counts.*, reason, bounce_code, category, kind, confidence, rule,
           row_number() over (partition by counts.campaign, split, reason, category, kind order by confidence, rule) as nth
    from counts
    join verdicts on verdicts.campaign = counts.campaign and verdicts.cause_id = counts.cause_id
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
