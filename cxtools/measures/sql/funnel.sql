-- How far did the messages of these campaigns get?
-- grain:   one row per campaign (and value of each column it is split by; then only where something was attempted)
-- params:  none
-- reads:   states, stored_counts (of all events, whatever the moment)
-- columns: campaign, split, attempted, delivered, late_bounced, bounced, opened, opened_strict, clicked, clicks_without_open, first_at, last_at;
--          opened_measured, clicked_measured: as opened and clicked, null where the campaign's events hold none of that kind at all, whatever the moment;
--          but 0 where opens are told and at most 100 were delivered: of so few perhaps nobody clicked
with
alike as (        -- one row per combination of what the funnel tells apart
    select campaign, split, attempted, delivered, reached, late_bounced, bounced, opened, opened_by_human, clicked,
           sum(messages) as messages, min(first_at) as first_at, max(last_at) as last_at
    from states
    group by campaign, split, attempted, delivered, reached, late_bounced, bounced, opened, opened_by_human, clicked
),
sums as (
    select campaign, split,
           sum(case when attempted then messages else 0 end) as attempted,
           sum(case when delivered then messages else 0 end) as delivered,
           sum(case when late_bounced then messages else 0 end) as late_bounced,
           sum(case when bounced then messages else 0 end) as bounced,
           sum(case when reached and (opened or clicked) then messages else 0 end) as opened,
           sum(case when reached and opened_by_human then messages else 0 end) as opened_strict,
           sum(case when reached and clicked then messages else 0 end) as clicked,
           sum(case when reached and clicked and not opened then messages else 0 end) as clicks_without_open,
           min(first_at) as first_at,
           max(last_at) as last_at
    from alike
    group by campaign, split
)
select sums.campaign, split,
       cast(attempted as bigint) as attempted,
       cast(delivered as bigint) as delivered,
       cast(late_bounced as bigint) as late_bounced,
       cast(bounced as bigint) as bounced,
       cast(opened as bigint) as opened,
       cast(opened_strict as bigint) as opened_strict,
       cast(clicked as bigint) as clicked,
       cast(clicks_without_open as bigint) as clicks_without_open,
       first_at, last_at,
       case when stored_counts.opens + stored_counts.clicks > 0 then cast(opened as bigint) end as opened_measured,
       case when stored_counts.clicks > 0 or (stored_counts.opens > 0 and stored_counts.deliveries between 1 and 100) then cast(clicked as bigint) end as clicked_measured
from sums
join stored_counts on stored_counts.campaign = sums.campaign
where split is null or attempted > 0 or opened > 0 or bounced > 0
order by sums.campaign, split
