-- How many complained, and how many unsubscribed?
-- grain:   one row per campaign (and value of each column it is split by)
-- params:  none
-- reads:   messages, counted_events, events
-- columns: campaign, split, delivered, complained, unsubscribed, complained_measured, unsubscribed_measured
with
said as (
    select messages.campaign, split, message_id, who,
           exists (from counted_events as e where e.campaign = messages.campaign and e.message_id = messages.message_id and e.who = messages.who and e.kind = 'complaint') as complained,
           exists (from counted_events as e where e.campaign = messages.campaign and e.message_id = messages.message_id and e.who = messages.who and e.kind = 'unsubscribe') as unsubscribed
    from messages
    where delivered
)
select campaign, split, count(*) as delivered,
       count(*) filter (where complained) as complained,
       count(*) filter (where unsubscribed) as unsubscribed,
       case when exists (from events where events.campaign = said.campaign and kind = 'complaint') then count(*) filter (where complained) end as complained_measured,
       case when exists (from events where events.campaign = said.campaign and kind = 'unsubscribe') then count(*) filter (where unsubscribed) end as unsubscribed_measured
from said
group by campaign, split
order by campaign, split
