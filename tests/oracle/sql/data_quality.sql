-- What is odd about the events of these campaigns?
-- grain:   one row per campaign
-- params:  none
-- reads:   received, events, counted_events, all_messages, verdicts
-- columns: campaign and one count per check (see checks.tsv), with the counts they are parts of; null where the feed has
--          no event of that kind at all; not_sent_words (the platform's words for not sending, and how often)
with
stored as (
    select campaign, count(*) as stored_rows from received group by campaign
),
distinct_events as (
    select campaign, count(*) as distinct_rows from events group by campaign
),
contents as (     -- one row per distinct thing that happened
    select campaign, message_id, who, kind, ts, link_url, bounce_code, bounce_text, count(*) as ids
    from counted_events
    group by campaign, message_id, who, kind, ts, link_url, bounce_code, bounce_text
),
repeats as (
    select campaign, cast(sum(ids - 1) as bigint) as same_content from contents group by campaign
),
rows_of as (
    select campaign,
           count(*) as events,
           count(*) filter (where ts is null) as without_timestamp,
           count(*) filter (where counted_events.kind = 'unknown') as unknown_kind,
           count(*) filter (where counted_events.kind = 'none') as says_nothing,
           count(*) filter (where recipient_id = '') as without_recipient_id,
           count(*) filter (where named_id = '') as without_message_id,
           count(*) filter (where who is null) as unattributed,
           count(*) filter (where counted_events.kind = 'bounce') as bounce_events,
           count(*) filter (where counted_events.kind = 'bounce' and verdicts.kind = 'none' and who is not null) as not_bounces,
           nullif(count(*) filter (where counted_events.kind = 'open'), 0) as opens,
           case when count(*) filter (where counted_events.kind = 'click') > 0
                     or (count(*) filter (where counted_events.kind = 'open') > 0 and count(*) filter (where counted_events.kind = 'delivery') between 1 and 100)
                then count(*) filter (where counted_events.kind = 'click') end as clicks,
           nullif(count(*) filter (where counted_events.kind = 'deferral'), 0) as deferrals,
           nullif(count(*) filter (where counted_events.kind = 'complaint'), 0) as complaints,
           nullif(count(*) filter (where counted_events.kind = 'unsubscribe'), 0) as unsubscribes
    from counted_events
    left join verdicts
      on verdicts.bounce_code = counted_events.bounce_code and verdicts.bounce_text = counted_events.bounce_text
      and verdicts.bounce_class = counted_events.bounce_class
    group by campaign
),
messages_of as (
    select campaign,
           count(*) as messages,
           count(*) filter (where attempted) as attempted,
           count(*) filter (where delivered) as delivered,
           count(*) filter (where opens > 0) as openers,
           count(*) filter (where clicks > 0) as clickers,
           count(*) filter (where not attempted and not_sent is not null) as not_sent,
           count(*) filter (where not attempted and not bounced and not_sent is null and opens = 0 and clicks = 0) as without_outcome,
           count(*) filter (where machine_opens > 0 and machine_opens = opens and reached and clicks = 0) as machine_opens,
           max(machine_opens) > 0 as any_machine,
           count(*) filter (where not attempted and not reached and opens > 0) as orphan_opens,
           count(*) filter (where not attempted and not reached and clicks > 0) as orphan_clicks,
           count(*) filter (where bounced and (opens > 0 or clicks > 0)) as active_though_bounced,
           count(*) filter (where first_open_at < delivered_at) as opens_before_delivery,
           count(*) filter (where first_click_at < delivered_at) as clicks_before_delivery,
           count(*) filter (where date_diff('second', delivered_at, first_open_at) between 0 and 10) as fast_opens,
           count(*) filter (where reached and clicks > 0 and opens = 0) as clicks_without_open,
           count(*) filter (where late_bounced) as late_bounces
    from all_messages
    group by campaign
),
refused as (      -- one row per word of the platform for not sending
    select campaign, not_sent as word, count(*) as times
    from all_messages
    where not attempted and not_sent is not null
    group by campaign, not_sent
),
words as (
    select campaign, string_agg(word || ' ' || times, ', ' order by times desc, word) as not_sent_words from refused group by campaign
)
select *, stored_rows - distinct_rows as repeated_rows
from rows_of
join messages_of using (campaign)
join repeats using (campaign)
join stored using (campaign)
join distinct_events using (campaign)
left join words using (campaign)
order by campaign
