-- How far did the messages of these campaigns get?
-- grain:   one row per campaign (and value of each column it is split by; then only where something was attempted)
-- params:  none
-- reads:   messages, stored_counts (of all events, whatever the moment)
-- columns: campaign, split, attempted, delivered, late_bounced, bounced, opened, opened_strict, clicked, clicks_without_open, first_at, last_at;
--          opened_measured, clicked_measured: as opened and clicked, null where the campaign's events hold none of that kind at all, whatever the moment
with
counts as (
    select campaign, split,
           count(*) filter (where attempted) as attempted,
           count(*) filter (where delivered) as delivered,
           count(*) filter (where late_bounced) as late_bounced,
           count(*) filter (where bounced) as bounced,
           count(*) filter (where reached and (opened or clicked)) as opened,
           count(*) filter (where reached and opened_by_human) as opened_strict,
           count(*) filter (where reached and clicked) as clicked,
           count(*) filter (where reached and clicked and not opened) as clicks_without_open,
           min(first_at) as first_at,
           max(last_at) as last_at
    from messages
    group by campaign, split
)
select counts.*,
       case when stored_counts.opens + stored_counts.clicks > 0 then opened end as opened_measured,
       case when stored_counts.clicks > 0 then clicked end as clicked_measured
from counts
join stored_counts on stored_counts.campaign = counts.campaign
where split is null or attempted > 0 or opened > 0
order by counts.campaign, split
