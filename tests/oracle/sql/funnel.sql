-- How far did the messages of these campaigns get?
-- grain:   one row per campaign (and value of each column it is split by; then only where something was attempted)
-- params:  none
-- reads:   messages, events (each once, whatever the cut)
-- columns: campaign, split, attempted, delivered, late_bounced, bounced, opened, opened_strict, clicked, clicks_without_open, first_at, last_at;
--          opened_measured, clicked_measured: as opened and clicked, null where the campaign's events hold none of that kind at all, whatever the moment;
--          but 0 clicks where opens are told and at most 100 were delivered: of so few perhaps nobody clicked
with
measured as (     -- one row per campaign; a click tells of an open, too
    select campaign, max(case when kind in ('open', 'click') then 1 end) as any_open,
           case when bool_or(kind = 'click') then 1
                when bool_or(kind = 'open') and count(*) filter (where kind = 'delivery') between 1 and 100 then 1 end as any_click
    from events
    group by campaign
)
select messages.campaign, split,
       count(*) filter (where attempted) as attempted,
       count(*) filter (where delivered) as delivered,
       count(*) filter (where late_bounced) as late_bounced,
       count(*) filter (where bounced) as bounced,
       count(*) filter (where reached and (opens > 0 or clicks > 0)) as opened,
       count(*) filter (where reached and opens > machine_opens) as opened_strict,
       count(*) filter (where reached and clicks > 0) as clicked,
       count(*) filter (where reached and clicks > 0 and opens = 0) as clicks_without_open,
       min(first_at) as first_at,
       max(last_at) as last_at,
       max(any_open) * opened as opened_measured,
       max(any_click) * clicked as clicked_measured
from messages
join measured on measured.campaign = messages.campaign
group by messages.campaign, split
having split is null or attempted > 0 or opened > 0 or bounced > 0
order by campaign, split
