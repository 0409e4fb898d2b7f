-- How many complained, and how many unsubscribed?
-- grain:   one row per campaign (and value of each column it is split by)
-- params:  none
-- reads:   messages, stored_counts
-- columns: campaign, split, delivered, complained, unsubscribed (of those delivered; each message once); complained_measured, unsubscribed_measured
--          (the same; null where the campaign's events hold none of that kind at all, whatever the moment)
with
counts as (
    select campaign, split,
           count(*) filter (where delivered) as delivered,
           count(*) filter (where delivered and complained) as complained,
           count(*) filter (where delivered and unsubscribed) as unsubscribed
    from messages
    group by campaign, split
)
select counts.campaign, split, delivered, complained, unsubscribed,
       case when stored_counts.complaints > 0 then complained end as complained_measured,
       case when stored_counts.unsubscribes > 0 then unsubscribed end as unsubscribed_measured
from counts
join stored_counts on stored_counts.campaign = counts.campaign
where delivered > 0
order by counts.campaign, split
