-- Which values do messages have in the columns of imported rows that are segments? That of the first event that has one.
-- grain:   one row per message and segment
-- params:  none
-- reads:   received (rows of parts), kept_columns (field: in raw; name: of the segment), layer_repeats, layer_aliases, layer_splits
-- columns: message_key, name, value
with
counted as (      -- one row per event
    select received.message_key, received.ts, received.raw
    from received
    anti join layer_repeats using (event_hash)
    union all
    select received.message_key, received.ts, received.raw
    from received
    join layer_repeats as repeats
      on repeats.event_hash = received.event_hash and repeats.message_key = received.message_key
     and repeats.ts is not distinct from received.ts
),
cells as (        -- one row per event and column
    select counted.message_key, counted.ts, kept_columns.name, field_of(counted.raw, kept_columns.field) as value
    from counted
    cross join kept_columns
),
told as (
    select case when splits.message_key is not null then splits.split_key
                when aliases.message_key is not null then aliases.resolved_key
                else cells.message_key end as message_key,
           cells.ts, cells.name, cells.value
    from cells
    left join layer_aliases as aliases on aliases.message_key = cells.message_key
    left join layer_splits as splits
      on splits.message_key = coalesce(aliases.resolved_key, cells.message_key)
     and is_undated = (ts is null)
     and (is_undated or ((from_at is null or ts >= from_at) and (until_at is null or ts < until_at)))
    where cells.value <> ''
),
in_order as (
    select message_key, name, value,
           row_number() over (partition by message_key, name order by ts nulls last, value) as nth
    from told
    where message_key is not null
)
select message_key, name, value from in_order where nth = 1
