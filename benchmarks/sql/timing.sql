with delays as (
    select greatest(date_diff('second', delivered_at, first_open_at), 0) as open_s,
           greatest(date_diff('second', delivered_at, first_click_at), 0) as click_s,
           delivered_at is not null and first_open_at is not null as opened,
           delivered_at is not null and first_click_at is not null as clicked
    from messages
    where delivered
),
quantiles as (
    select count(*) as delivered,
           count(*) filter (where opened) as openers,
           count(*) filter (where clicked) as clickers,
           quantile_cont(open_s, [0.1, 0.25, 0.5, 0.75, 0.9]) filter (where opened) as opens,
           quantile_cont(click_s, [0.1, 0.25, 0.5, 0.75, 0.9]) filter (where clicked) as clicks
    from delays
)
select 'open' as kind, openers as recipients, delivered,
       opens[1] as p10_s, opens[2] as p25_s, opens[3] as median_s, opens[4] as p75_s, opens[5] as p90_s
from quantiles
union all
select 'click', clickers, delivered, clicks[1], clicks[2], clicks[3], clicks[4], clicks[5]
from quantiles
