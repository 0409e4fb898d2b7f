-- What is odd about the events of these campaigns?
-- grain:   one row per campaign
-- params:  none
-- reads:   event_counts, all_messages, bounces, verdicts
-- columns: campaign and one count per check (see checks.tsv), with the counts they are parts of; null where the feed has
--          no event of that kind at all; not_sent_words (the platform's words for not sending, and how often)
with
counts_of as (
    select campaign,
           stored_rows, distinct_rows, stored_rows - distinct_rows as repeated_rows,
           events, events - contents as same_content,
           without_timestamp, unknown_kind, without_recipient_id, without_message_id,
           bounces as bounce_events,
           nullif(opens, 0) as opens,
           nullif(clicks, 0) as clicks,
           nullif(deferrals, 0) as deferrals,
           nullif(complaints, 0) as complaints,
           nullif(unsubscribes, 0) as unsubscribes
    from event_counts
),
messages_of as (
    select campaign,
           count(*) as messages,
           count(*) filter (where attempted) as attempted,
           count(*) filter (where delivered) as delivered,
           count(*) filter (where opened) as openers,
           count(*) filter (where clicked) as clickers,
           count(*) filter (where not attempted and not_sent is not null) as not_sent,
           count(*) filter (where not attempted and not_sent is null and not opened and not clicked) as without_outcome,
           count(*) filter (where opened_by_machine and not opened_by_human and delivered and not clicked) as machine_opens,
           bool_or(opened_by_machine) as any_machine,
           count(*) filter (where not attempted and opened) as orphan_opens,
           count(*) filter (where not attempted and clicked) as orphan_clicks,
           count(*) filter (where bounced and (opened or clicked)) as active_though_bounced,
           count(*) filter (where first_open_at < delivered_at) as opens_before_delivery,
           count(*) filter (where first_click_at < delivered_at) as clicks_before_delivery,
           count(*) filter (where seconds_between(delivered_at, first_open_at) between 0 and 10) as fast_opens,
           count(*) filter (where delivered and clicked and not opened) as clicks_without_open,
           count(*) filter (where late_bounced) as late_bounces
    from all_messages
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
    select campaign, not_sent as word, count(*) as times
    from all_messages
    where not attempted and not_sent is not null
    group by campaign, not_sent
),
words as (
    select campaign, concat_ws(', ', texts_in_order(array_agg((-times, word, word || ' ' || cast(times as string))))) as not_sent_words
    from refused
    group by campaign
)
select counts_of.*, messages, attempted, delivered, openers, clickers, not_sent, without_outcome, machine_opens, any_machine, orphan_opens,
       orphan_clicks, active_though_bounced, opens_before_delivery, clicks_before_delivery, fast_opens, clicks_without_open, late_bounces,
       coalesce(not_bounces, 0) as not_bounces,
       not_sent_words
from counts_of
join messages_of on messages_of.campaign = counts_of.campaign
left join not_bounces_of on not_bounces_of.campaign = counts_of.campaign
left join words on words.campaign = counts_of.campaign
order by counts_of.campaign
