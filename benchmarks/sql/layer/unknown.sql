with standing as (
    select message_key as message_id, bounce_code, bounce_text
    from stored_bounces
    semi join (select cause_id from verdicts where category = 'unknown' or confidence < 0.5) as doubtful using (cause_id)
    qualify row_number() over (partition by message_key order by ts desc nulls last, bounce_code, bounce_text) = 1
)
select bounce_code as code, bounce_text as text, count(*) as recipients
from standing
semi join (select message_id from messages where bounced and (category = 'unknown' or confidence < 0.5)) as refused using (message_id)
group by all
