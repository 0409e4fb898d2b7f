-- What became of the messages to each address, in all campaigns?
-- grain:   one row per address
-- params:  none
-- reads:   all_messages
-- columns: email, bounced (campaigns with a bounce after the last delivery to it), delivered (messages), engaged_at (its last open that no
--          machine is known to have made, or click on content; null for none)
with
deliveries as (
    select email, max(delivered_at) as last_delivery_at from all_messages where delivered group by email
)
select all_messages.email,
       count(distinct case when bounced and (last_delivery_at is null or bounced_at > last_delivery_at) then campaign end) as bounced,
       count(*) filter (where delivered) as delivered,
       max(coalesce(first_click_at, case when opened_by_human then first_open_at end)) as engaged_at
from all_messages
left join deliveries on deliveries.email = all_messages.email
where all_messages.email <> ''
group by all_messages.email
