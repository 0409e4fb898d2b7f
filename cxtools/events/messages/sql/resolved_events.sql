-- Which message does each event belong to, however its feed names it?
-- grain:   one row per event
-- params:  events  as they were received; aliases, splits: what was found out of their names; campaign: "events.campaign, " where
--          events of several campaigns stand together, else nothing; same_alias, same_split: the condition that it is the same campaign
-- reads:   its params
-- columns: those of events.sql; message_key is null where it can't be told whose the event is
select {campaign}message_id, recipient_id, job_id,
       coalesce(aliases.email, events.email) as email,
       kind, raw_kind, by_machine, ts, counted_at, link_url, bounce_code, bounce_text, bounce_class,
       case when splits.message_key is not null then splits.split_key
            when aliases.message_key is not null then aliases.resolved_key
            else events.message_key end as message_key
from {events} as events
left join {aliases} as aliases
  on aliases.message_key = events.message_key and {same_alias}
left join {splits} as splits
  on splits.message_key = coalesce(aliases.resolved_key, events.message_key) and {same_split}
 and is_undated = (ts is null)
 and (is_undated or ((from_at is null or ts >= from_at) and (until_at is null or ts < until_at)))
