-- Which hours and weekdays of sending were clicked most?
-- grain:   one row per campaign x weekday x hour (and value of each column it is split by)
-- params:  none
-- reads:   messages, hours_of_sending (campaign, message_key, weekday, hour), stored_counts
-- columns: campaign, split, weekday (1 to 7), hour (0 to 23; both null where no moment is known), attempted, delivered, clicked; clicked_measured (as
--          clicked; null where clicks are not measured, as in funnel.sql)
with
counts as (
    select messages.campaign, split, weekday, hour,
           count(*) filter (where attempted) as attempted,
           count(*) filter (where delivered) as delivered,
           count(*) filter (where reached and clicked) as clicked
    from messages
    join hours_of_sending as times on times.campaign = messages.campaign and times.message_key = messages.message_key
    group by messages.campaign, split, weekday, hour
)
select counts.campaign, split, weekday, hour, attempted, delivered, clicked,
       case when stored_counts.clicks > 0 or (stored_counts.opens > 0 and stored_counts.deliveries between 1 and 100) then clicked end as clicked_measured
from counts
join stored_counts on stored_counts.campaign = counts.campaign
where attempted > 0 or clicked > 0
order by counts.campaign, split, weekday nulls last, hour nulls last
