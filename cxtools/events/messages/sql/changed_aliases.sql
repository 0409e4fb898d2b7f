-- Do events that the base has counted belong to other messages by now?
-- grain:   one row
-- params:  base_events  as they were received
-- reads:   aliases, splits, base_aliases, base_splits
-- columns: messages (how many messages have lost or won events)
with
base_keys as (
    select distinct events.message_key, coalesce(aliases.resolved_key, events.message_key) as resolved_key
    from {base_events} as events
    left join aliases on aliases.message_key = events.message_key
),
changed_aliases as (
    (select message_key, resolved_key, email from aliases
     except
     select message_key, resolved_key, email from base_aliases)
    union all
    (select message_key, resolved_key, email from base_aliases
     except
     select message_key, resolved_key, email from aliases)
),
changed_splits as (
    (select message_key, split_key, from_at, until_at from splits
     except
     select message_key, split_key, from_at, until_at from base_splits)
    union all
    (select message_key, split_key, from_at, until_at from base_splits
     except
     select message_key, split_key, from_at, until_at from splits)
),
changed as (
    select base_keys.message_key from base_keys semi join changed_aliases using (message_key)
    union all
    select message_key from base_keys semi join (select message_key as resolved_key from changed_splits) as of_splits using (resolved_key)
)
select count(*) as messages from changed
