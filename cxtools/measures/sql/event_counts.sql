-- How many events are there, and of which kinds?
-- grain:   one row per campaign
-- params:  none
-- reads:   counts (of the events that count), stored_counts (of all)
-- columns: campaign, one count for each name; stored_rows, distinct_rows (with and without repeated ones, whatever the cut);
--          told_by_sending: whether any event is a sending and none a delivery, whatever the cut
select counts.campaign,
       stored_counts.stored_rows,
       stored_counts.events as distinct_rows,
       counts.events, counts.contents, counts.without_timestamp, counts.unknown_kind,
       counts.says_nothing,
       counts.without_recipient_id, counts.without_message_id, counts.unattributed,
       counts.sents, counts.deliveries, counts.bounces, counts.opens, counts.clicks, counts.deferrals,
       counts.complaints, counts.unsubscribes, counts.suppressions,
       stored_counts.deliveries = 0 and stored_counts.sents > 0 as told_by_sending
from counts
join stored_counts on stored_counts.campaign = counts.campaign
