-- What became of each message of these jobs, for the CRM and for retry waves?
-- grain:   one row per message
-- params:  $job_ids  list of job ids
-- reads:   messages, seen, verdicts
-- columns: job_id, email, state (delivered, bounced or empty), bounce_code, bounce_text, category, bounce_kind, retry, suppress,
--          opened_at (first open), links and clicked_at (lists of the same length, in order of time)
with
last_bounces as (  -- one row per bounce, the one that stands is the first
    select campaign, message_id, who, seen.bounce_code, seen.bounce_text, verdicts.retry, verdicts.suppress,
           row_number() over (partition by campaign, message_id, who order by ts desc nulls last, seen.bounce_code) as nth
    from seen
    join verdicts on verdicts.bounce_code = seen.bounce_code and verdicts.bounce_text = seen.bounce_text
    where seen.kind = 'bounce' and verdicts.kind <> 'none'
),
clicked as (       -- one row per message with clicks
    select campaign, message_id, who, array_agg(link_url order by ts, link_url) as links, array_agg(ts order by ts, link_url) as clicked_at
    from seen where kind = 'click' group by campaign, message_id, who
)
select m.job_id, m.email,
       case when m.bounced then 'bounced' when m.delivered then 'delivered' else '' end as state,
       case when m.bounced then b.bounce_code else '' end as bounce_code,
       case when m.bounced then b.bounce_text else '' end as bounce_text,
       m.category, m.bounce_kind, b.retry, b.suppress, m.first_open_at as opened_at, c.links, c.clicked_at
from messages m
left join last_bounces b on b.campaign = m.campaign and b.message_id = m.message_id and b.who = m.who and b.nth = 1
left join clicked c on c.campaign = m.campaign and c.message_id = m.message_id and c.who = m.who
where m.job_id in (select unnest(cast($job_ids as varchar[])))
order by m.job_id, m.email, m.message_id
