-- Which events count, and whose message do they belong to?
-- grain:   one row per event
-- params:  $until  the last moment that counts; $age_us  the last microsecond since the campaign's start; null = no end
-- reads:   events, starts, owners (of each event that belongs to a message)
-- columns: campaign, message_id, who (of the message; null where it can't be told whose the event is), named_id (the message id in the
--          event), recipient_id, job_id, email, kind, raw_kind, by_machine, ts, received_at,
--          bounce_code, bounce_text, bounce_class, link_url, is_content (a click on the message's content, not on an unsubscribe or preference link)
select events.campaign,
       owners.message_id,
       owners.who,
       events.message_id as named_id,
       recipient_id,
       job_id,
       coalesce(owners.email, events.email) as email,
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
left join owners on owners.campaign = events.campaign and owners.event_id = events.event_id
where coalesce(coalesce(ts, received_at) <= cast($until as timestamptz), true)
  and coalesce(date_diff('microsecond', starts.first_at, coalesce(ts, received_at)) <= cast($age_us as bigint), true)
