-- How many events are there, and of which kinds?
-- grain:   one row per campaign
-- params:  none
-- reads:   counts (of the events that count), stored_counts (of all)
-- columns: campaign, one count for each name; stored_rows, distinct_rows (with and without repeated ones, whatever the cut);
--          any_open_ever, any_click_ever: 1 where any event is an open or a click, or a click, whatever the cut, else null
select counts.campaign,
       stored_counts.stored_rows,
       stored_counts.events as distinct_rows,
       counts.events, counts.contents, counts.without_timestamp, counts.unknown_kind,
       counts.says_nothing,
       counts.without_recipient_id, counts.without_message_id, counts.unattributed,
       counts.sents, counts.deliveries, counts.bounces, counts.opens, counts.clicks, counts.deferrals,
       counts.complaints, counts.unsubscribes, counts.suppressions,
       case when stored_counts.opens + stored_counts.clicks > 0 then 1 end as any_open_ever,
       case when stored_counts.clicks > 0 then 1 end as any_click_ever
from counts
join stored_counts on stored_counts.campaign = counts.campaign
