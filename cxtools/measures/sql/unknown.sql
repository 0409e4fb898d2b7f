-- What did servers say that no rule understands, or only just (confidence below 0.5), most frequent first?
-- grain:   one row per campaign x bounce_code x bounce_text (and value of each column it is split by)
-- params:  none
-- reads:   messages, bounces, verdicts
-- columns: campaign, split, code, text (both as they came), recipients
with
doubtful as (     -- one row per cause
    select campaign, cause_id
    from verdicts
    where kind <> 'none' and (category = 'unknown' or confidence < 0.5)
),
in_order as (     -- the last bounce of a message that counts is the last of these, if it is among them
    select bounces.campaign, message_key, bounce_code, bounce_text,
           row_number() over (
               partition by bounces.campaign, message_key
               order by ts desc nulls last, bounce_code, bounce_text
           ) as nth
    from bounces
    semi join doubtful using (campaign, cause_id)
),
riddles as (
    select campaign, message_key, bounce_code, bounce_text from in_order where nth = 1
),
refused as (
    select campaign, split, message_key
    from messages
    semi join doubtful using (campaign, cause_id)
    where bounced
)
select refused.campaign, refused.split,
       riddles.bounce_code as code,
       riddles.bounce_text as text,
       count(*) as recipients
from riddles
join refused on refused.campaign = riddles.campaign and refused.message_key = riddles.message_key
group by refused.campaign, refused.split, riddles.bounce_code, riddles.bounce_text
order by campaign, split, recipients desc, code, text
