-- Which of several sendings to one person do events belong to that have no message id?
-- grain:   one row per sending after which others followed, or that followed others; and one per person for events without a moment
-- params:  events  of the campaign; apart_s  seconds that lie between two sendings at least
-- reads:   names, aliases
-- columns: message_key (of the person), split_key (of the message; null for events without a moment: nobody can tell),
--          from_at (null before the first sending), until_at (null after the last), is_undated
with
with_id as (      -- one row per message that some event names by an id
    select distinct coalesce(aliases.resolved_key, names.message_key) as message_key
    from names
    left join aliases on aliases.message_key = names.message_key
    where message_id <> ''
),
without_id as (
    select coalesce(aliases.resolved_key, events.message_key) as message_key, kind, ts
    from {events} as events
    left join aliases on aliases.message_key = events.message_key
    where message_id = '' and kind in ('sent', 'delivery') and ts is not null
),
sendings as (     -- by the platform's word for it; where it has none, a delivery tells of one
    select message_key, kind, ts
    from without_id
    anti join with_id using (message_key)
),
words as (
    select bool_or(kind = 'sent') as has_sent from sendings
),
moments as (
    select message_key, ts, lag(ts) over (partition by message_key order by ts) as before
    from sendings
    cross join words
    where kind = 'sent' or not has_sent
),
starts as (
    select message_key, ts as from_at, before is null as is_first
    from moments
    where before is null or seconds_between(before, ts) >= {apart_s}
),
ranges as (
    select message_key, from_at, is_first,
           lead(from_at) over (partition by message_key order by from_at) as until_at,
           count(*) over (partition by message_key) as sendings
    from starts
),
several as (
    select * from ranges where sendings > 1
)
select message_key,
       case when is_first then message_key
            else key_of(cast(message_key as string) || chr(0) || iso_text(from_at)) end as split_key,
       case when not is_first then from_at end as from_at,
       until_at,
       false as is_undated
from several
union all
select message_key, cast(null as bigint) as split_key, cast(null as timestamp) as from_at, cast(null as timestamp) as until_at,
       true as is_undated
from several
where is_first
