-- What became of each recipient of these jobs?
-- grain:   one row per message
-- params:  none
-- reads:   all_messages (of one campaign, those of the jobs), standing_bounces, verdicts
-- columns: message_key, job_id, email, state (delivered | bounced | "" = nothing final yet), bounce_code, bounce_text, category, kind,
--          reason, retry, suppress ("" unless bounced), opened_at (ISO 8601 text, null when never)
select all_messages.message_key,
       all_messages.job_id,
       all_messages.email,
       case when delivered then 'delivered' when bounced then 'bounced' else '' end as state,
       coalesce(standing_bounces.bounce_code, '') as bounce_code,
       coalesce(standing_bounces.bounce_text, '') as bounce_text,
       coalesce(all_messages.category, '') as category,
       coalesce(all_messages.bounce_kind, '') as kind,
       coalesce(all_messages.reason, '') as reason,
       coalesce(verdicts.retry, '') as retry,
       coalesce(verdicts.suppress, '') as suppress,
       iso_text(first_open_at) as opened_at
from all_messages
left join standing_bounces
  on standing_bounces.campaign = all_messages.campaign and standing_bounces.message_key = all_messages.message_key and bounced
left join verdicts on verdicts.campaign = all_messages.campaign and verdicts.cause_id = all_messages.cause_id
order by all_messages.job_id, all_messages.email, all_messages.message_key
