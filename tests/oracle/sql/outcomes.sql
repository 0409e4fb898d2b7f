-- What became of each recipient of these jobs?
-- grain:   one row per message
-- params:  $job_ids  list of job ids
-- reads:   counted_events, messages, verdicts
-- columns: job_id, email, state (delivered | bounced | "" = nothing final yet), bounce_code, bounce_text, category, kind, reason, retry, suppress
--          ("" unless bounced), opened_at (null when never), link_urls and clicked_at (lists in order of
--          time); moments as ISO 8601 text
with
wanted as (
    select * from messages where job_id in (select unnest(cast($job_ids as varchar[])))
),
clicks as (       -- one row per message with clicks
    select campaign, message_id, who,
           array_agg(link_url order by ts, link_url) as link_urls,
           array_agg(strftime(ts, '%Y-%m-%dT%H:%M:%SZ') order by ts, link_url) as clicked_at
    from counted_events
    where kind = 'click'
    group by campaign, message_id, who
)
select wanted.job_id,
       wanted.email,
       case when wanted.delivered then 'delivered' when wanted.bounced then 'bounced' else '' end as state,
       coalesce(wanted.bounce_code, '') as bounce_code,
       coalesce(wanted.bounce_text, '') as bounce_text,
       coalesce(wanted.category, '') as category,
       coalesce(wanted.bounce_kind, '') as kind,
       coalesce(wanted.reason, '') as reason,
       coalesce(verdicts.retry, '') as retry,
       coalesce(verdicts.suppress, '') as suppress,
       strftime(wanted.first_open_at, '%Y-%m-%dT%H:%M:%SZ') as opened_at,
       clicks.link_urls,
       clicks.clicked_at
from wanted
left join verdicts
  on verdicts.bounce_code = wanted.bounce_code and verdicts.bounce_text = wanted.bounce_text and verdicts.bounce_class = wanted.bounce_class
left join clicks on clicks.campaign = wanted.campaign and clicks.message_id = wanted.message_id and clicks.who = wanted.who
order by wanted.job_id, wanted.email, wanted.message_id
