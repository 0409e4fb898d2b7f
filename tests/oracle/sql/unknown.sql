-- What did servers say that no rule understands, or only just (confidence below 0.5), most frequent first?
-- grain:   one row per campaign x bounce_code x bounce_text (and value of each column it is split by)
-- params:  none
-- reads:   messages
-- columns: campaign, split, code, text (both as they came), recipients
select campaign, split,
       bounce_code as code, bounce_text as text,
       count(*) as recipients
from messages
where category = 'unknown' or confidence < 0.5
group by all
order by campaign, split, recipients desc, code, text
