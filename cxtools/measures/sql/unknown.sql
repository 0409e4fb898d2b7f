-- What did servers say that no rule understands, or only just (confidence below 0.5), most frequent first?
-- grain:   one row per campaign x bounce_code x bounce_text (and value of each column it is split by)
-- params:  none
-- reads:   messages, standing_bounces, verdicts
-- columns: campaign, split, code, text (both as they came), recipients
with
riddles as (      -- one row per message whose bounce that counts is one
    select campaign, message_key, bounce_code, bounce_text
    from standing_bounces
    semi join (select campaign, cause_id from verdicts where category = 'unknown' or confidence < 0.5) as doubtful
        using (campaign, cause_id)
)
select messages.campaign, messages.split,
       riddles.bounce_code as code,
       riddles.bounce_text as text,
       count(*) as recipients
from riddles
join messages on messages.campaign = riddles.campaign and messages.message_key = riddles.message_key
where messages.bounced
group by messages.campaign, messages.split, riddles.bounce_code, riddles.bounce_text
order by campaign, split, recipients desc, code, text
