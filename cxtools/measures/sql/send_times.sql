-- Which hours and weekdays of sending were clicked most?
-- grain:   one row per campaign x weekday x hour (and value of each column it is split by)
-- params:  none
-- reads:   states_by_hour, stored_counts
-- columns: campaign, split, weekday (1 to 7), hour (0 to 23; both null where no moment is known), attempted, delivered, clicked; clicked_measured (as
--          clicked; null where clicks are not measured, as in funnel.sql)
with
counts as (
    select campaign, split, weekday, hour,
           cast(sum(case when attempted then messages else 0 end) as bigint) as attempted,
           cast(sum(case when delivered then messages else 0 end) as bigint) as delivered,
           cast(sum(case when reached and clicked then messages else 0 end) as bigint) as clicked
    from states_by_hour
    group by campaign, split, weekday, hour
)
select counts.campaign, split, weekday, hour, attempted, delivered, clicked,
       case when stored_counts.clicks > 0 or (stored_counts.opens > 0 and stored_counts.deliveries between 1 and 100) then clicked end as clicked_measured
from counts
join stored_counts on stored_counts.campaign = counts.campaign
where attempted > 0 or clicked > 0
order by counts.campaign, split, weekday nulls last, hour nulls last
