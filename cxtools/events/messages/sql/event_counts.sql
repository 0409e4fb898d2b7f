-- How many events are there, and of which kinds?
-- grain:   one row (per campaign)
-- params:  campaign  "campaign, " and grouping "group by campaign" where rows of several campaigns stand together,
--          else nothing
-- reads:   counted_events
-- columns: one count for each name; contents: distinct things that happened; first_sent_at,
--          first_event_at
select {campaign}count(*) as events,
       count(distinct content_hash(coalesce(message_key, 0), kind, ts, link_url, bounce_code, bounce_text)) as contents,
       count(*) filter (where ts is null) as without_timestamp,
       count(*) filter (where kind = 'unknown') as unknown_kind,
       count(*) filter (where kind = 'none') as says_nothing,
       count(*) filter (where recipient_id = '') as without_recipient_id,
       count(*) filter (where message_id = '') as without_message_id,
       count(*) filter (where message_key is null) as unattributed,
       count(*) filter (where kind = 'sent' and message_key is not null) as sents,
       count(*) filter (where kind = 'delivery' and message_key is not null) as deliveries,
       count(*) filter (where kind = 'bounce') as bounces,
       count(*) filter (where kind = 'open') as opens,
       count(*) filter (where kind = 'click') as clicks,
       count(*) filter (where kind = 'deferral') as deferrals,
       count(*) filter (where kind = 'complaint') as complaints,
       count(*) filter (where kind = 'unsubscribe') as unsubscribes,
       count(*) filter (where kind = 'suppressed') as suppressions,
       min(ts) filter (where kind in ('sent', 'delivery', 'bounce')) as first_sent_at,
       min(ts) as first_event_at,
       max(ts) as last_event_at
from counted_events
{grouping}
