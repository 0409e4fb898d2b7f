with delays as (
    select date_diff('second', delivered_at, first_open_at) as open_s,
           date_diff('second', delivered_at, first_click_at) as click_s
    from messages
    where delivered
),
slots as (
    select unnest(['open', 'click']) as kind, unnest([open_s, click_s]) as delay_s
    from delays
),
hours as (
    select kind,
           case when delay_s < 3600 then 1
                when delay_s <= 259200 then cast(ceil(delay_s / 3600.0) as integer)
                else 24 * cast(ceil(delay_s / 86400.0) as integer) end as hours,
           count(*) as recipients
    from slots
    group by all
),
totals as (
    select *,
           cast(sum(recipients) over (partition by kind order by hours nulls last) as bigint) as cumulative,
           cast(sum(recipients) over (partition by kind) as bigint) as delivered
    from hours
)
select *
from totals
where hours is not null
