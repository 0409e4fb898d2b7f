-- Which events count, and whose message do they belong to?
-- grain:   one row per event
-- params:  $until  the last moment that counts; $age_us  the last microsecond since the campaign's start; null = no end
-- reads:   events, starts
-- columns: campaign, message_id, who (recipient id, or the address when the feed has none), job_id, email, kind, raw_kind, by_machine, ts, received_at,
--          bounce_code, bounce_text, bounce_class, link_url, is_content (a click on the message's content, not on an unsubscribe or preference link)
select events.campaign,
       message_id,
       case when recipient_id <> '' then recipient_id else email end as who,
       recipient_id,
       job_id,
       email,
       kind,
       raw_kind,
       by_machine,
       ts,
       received_at,
       bounce_code,
       bounce_text,
       bounce_class,
       link_url,
       kind = 'click' and not regexp_matches(lower(link_url), 'unsub|opt-?out|preference|abmeld|list-manage|manage[-_]?(subscription|email)')
           as is_content
from events
join starts on starts.campaign = events.campaign
where coalesce(coalesce(ts, received_at) <= cast($until as timestamptz), true)
  and coalesce(date_diff('microsecond', starts.first_at, coalesce(ts, received_at)) <= cast($age_us as bigint), true)
