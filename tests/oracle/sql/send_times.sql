-- Which hours and weekdays of sending were clicked most?
-- grain:   one row per campaign x weekday x hour (and value of each column it is split by)
-- params:  none
-- reads:   messages, events
-- columns: campaign, split, weekday, hour, attempted, delivered, clicked, clicked_measured
with
measured as (
    select campaign,
           case when bool_or(kind = 'click') then 1
                when bool_or(kind = 'open') and count(*) filter (where kind = 'delivery') between 1 and 100 then 1 end as any_click
    from events
    group by campaign
)
select messages.campaign, split, extract(isodow from sending_at) as weekday, extract(hour from sending_at) as hour,
       count(*) filter (where attempted) as attempted,
       count(*) filter (where delivered) as delivered,
       count(*) filter (where reached and clicks > 0) as clicked,
       max(any_click) * clicked as clicked_measured
from messages
join measured on measured.campaign = messages.campaign
group by messages.campaign, split, weekday, hour
having attempted > 0 or clicked > 0
order by messages.campaign, split, weekday nulls last, hour nulls last
