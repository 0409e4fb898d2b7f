-- What is odd about the events of these campaigns?
-- grain:   one row per campaign
-- params:  none
-- reads:   event_counts, states, bounces, verdicts
-- columns: campaign and one count per check (see checks.tsv), with the counts they are parts of; null where the feed has
--          no event of that kind at all; not_sent_words (the platform's words for not sending, and how often);
--          told_by_sending (whether any event is a sending and none a delivery, whatever the cut)
with
counts_of as (
    select campaign,
           stored_rows, distinct_rows, stored_rows - distinct_rows as repeated_rows,
           events, events - contents as same_content,
           without_timestamp, unknown_kind, says_nothing, without_recipient_id, without_message_id, unattributed,
           bounces as bounce_events,
           nullif(opens, 0) as opens,
           case when clicks > 0 or (opens > 0 and deliveries between 1 and 100) then clicks end as clicks,
           nullif(deferrals, 0) as deferrals,
           nullif(complaints, 0) as complaints,
           nullif(unsubscribes, 0) as unsubscribes,
           told_by_sending
    from event_counts
),
messages_of as (
    select campaign,
           sum(messages) as messages,
           sum(case when attempted then messages else 0 end) as attempted,
           sum(case when delivered then messages else 0 end) as delivered,
           sum(case when opened then messages else 0 end) as openers,
           sum(case when clicked then messages else 0 end) as clickers,
           sum(case when not attempted and not_sent is not null then messages else 0 end) as not_sent,
           sum(case when not attempted and not bounced and not_sent is null and not opened and not clicked then messages else 0 end) as without_outcome,
           sum(case when opened_by_machine and not opened_by_human and reached and not clicked then messages else 0 end) as machine_opens,
           bool_or(opened_by_machine) as any_machine,
           sum(case when not attempted and not reached and opened then messages else 0 end) as orphan_opens,
           sum(case when not attempted and not reached and clicked then messages else 0 end) as orphan_clicks,
           sum(case when bounced and (opened or clicked) then messages else 0 end) as active_though_bounced,
           sum(case when opened_before then messages else 0 end) as opens_before_delivery,
           sum(case when clicked_before then messages else 0 end) as clicks_before_delivery,
           sum(case when opened_fast then messages else 0 end) as fast_opens,
           sum(case when reached and clicked and not opened then messages else 0 end) as clicks_without_open,
           sum(case when late_bounced then messages else 0 end) as late_bounces
    from states
    group by campaign
),
not_bounces_of as (
    select bounces.campaign, count(*) as not_bounces
    from bounces
    join verdicts on verdicts.campaign = bounces.campaign and verdicts.cause_id = bounces.cause_id
    where verdicts.kind = 'none'
    group by bounces.campaign
),
refused as (      -- one row per word of the platform for not sending
    select campaign, not_sent as word, cast(sum(messages) as bigint) as times
    from states
    where not attempted and not_sent is not null
    group by campaign, not_sent
),
words as (
    select campaign, concat_ws(', ', texts_in_order(array_agg((-times, word, word || ' ' || cast(times as string))))) as not_sent_words
    from refused
    group by campaign
)
select counts_of.*,
       cast(messages as bigint) as messages,
       cast(attempted as bigint) as attempted,
       cast(delivered as bigint) as delivered,
       cast(openers as bigint) as openers,
       cast(clickers as bigint) as clickers,
       cast(not_sent as bigint) as not_sent,
       cast(without_outcome as bigint) as without_outcome,
       cast(machine_opens as bigint) as machine_opens,
       any_machine,
       cast(orphan_opens as bigint) as orphan_opens,
       cast(orphan_clicks as bigint) as orphan_clicks,
       cast(active_though_bounced as bigint) as active_though_bounced,
       cast(opens_before_delivery as bigint) as opens_before_delivery,
       cast(clicks_before_delivery as bigint) as clicks_before_delivery,
       cast(fast_opens as bigint) as fast_opens,
       cast(clicks_without_open as bigint) as clicks_without_open,
       cast(late_bounces as bigint) as late_bounces,
       coalesce(not_bounces, 0) as not_bounces,
       not_sent_words
from counts_of
join messages_of on messages_of.campaign = counts_of.campaign
left join not_bounces_of on not_bounces_of.campaign = counts_of.campaign
left join words on words.campaign = counts_of.campaign
order by counts_of.campaign
