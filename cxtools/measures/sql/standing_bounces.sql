-- Which bounce is the last of its message among those that count? An auto-reply or a complaint is not a bounce.
-- grain:   one row per message that bounced
-- params:  none
-- reads:   bounces, verdicts
-- columns: campaign, message_key, ts, cause_id, bounce_code, bounce_text, bounce_class
with
in_order as (
    select bounces.campaign, message_key, ts, bounces.cause_id, bounces.bounce_code, bounce_text, bounce_class,
           row_number() over (
               partition by bounces.campaign, message_key
               order by ts desc nulls last, bounces.bounce_code, bounce_text, bounce_class
           ) as nth
    from bounces
    join verdicts on verdicts.campaign = bounces.campaign and verdicts.cause_id = bounces.cause_id
    where verdicts.kind <> 'none'
)
select campaign, message_key, ts, cause_id, bounce_code, bounce_text, bounce_class
from in_order
where nth = 1
