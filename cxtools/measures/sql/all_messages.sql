-- What became of each message to one recipient?
-- grain:   one row per message
-- params:  none
-- reads:   message_facts (one row per message; the bounce that stands last among those that count), verdicts, stored_counts (what the
--          campaign's feed tells at all, whatever the moment)
-- columns: campaign, message_key, job_id, email, domain (of the address), first_at (of its sending, delivery or bounce, else of any event),
--          last_at, is_sent (a sending or a delivery is told of it), attempted (taken or refused; in a feed without deliveries sent or refused, in one without either of them nothing is),
--          delivered (attempted and not bounced in the end), reached (whose opens and clicks count: delivered; where nothing is attempted, not bounced), bounced, late_bounced (a delivery came first), opened,
--          opened_by_human (by an open that the feed doesn't mark as a machine's), opened_by_machine, clicked (on content), complained, unsubscribed, not_sent (the feed's
--          word, where it says that the platform did not send it), delivered_at, first_open_at, first_click_at; of the bounce that stands,
--          null unless bounced: bounced_at, cause_id, category, bounce_kind, reason, confidence, rule, bounce_code
with
ends as (         -- a bounce stands unless a delivery came later. Order unknown: only a soft bounce gives way
    select facts.*,
           verdicts.category, verdicts.kind as bounce_kind, verdicts.reason, verdicts.confidence, verdicts.rule, verdicts.bounce_code,
           facts.deliveries > 0 or (told.deliveries = 0 and facts.sents > 0 and not_sent is null) as taken,
           told.deliveries + told.sents > 0 as is_told,
           told.deliveries = 0 and facts.sents > 0 as is_told_by_sending,
           verdicts.kind is not null and verdicts.kind <> 'none' as refused,
           verdicts.kind is not null and verdicts.kind <> 'none'
               and (facts.deliveries = 0 or coalesce(bounced_at > last_delivery_at, false)
                    or (verdicts.kind <> 'soft' and coalesce(bounced_at = last_delivery_at, true))) as stands
    from message_facts as facts
    join stored_counts as told on told.campaign = facts.campaign
    left join verdicts on verdicts.campaign = facts.campaign and verdicts.cause_id = facts.cause_id
)
select campaign, message_key, job_id, email, domain,
       coalesce(first_sent_at, first_event_at) as first_at,
       last_event_at as last_at,
       sents + deliveries > 0 as is_sent,
       is_told and (taken or refused) as attempted,
       taken and not stands as delivered,
       not stands and (taken or not is_told) as reached,
       stands as bounced,
       deliveries > 0 and stands as late_bounced,
       opens > 0 as opened,
       opens > machine_opens as opened_by_human,
       machine_opens > 0 as opened_by_machine,
       clicks > 0 as clicked,
       complaints > 0 as complained,
       unsubscribes > 0 as unsubscribed,
       not_sent,
       case when is_told_by_sending then first_sent_at else delivered_at end as delivered_at,
       first_open_at, first_click_at,
       case when stands then bounced_at end as bounced_at,
       case when stands then cause_id end as cause_id,
       case when stands then category end as category,
       case when stands then bounce_kind end as bounce_kind,
       case when stands then reason end as reason,
       case when stands then confidence end as confidence,
       case when stands then rule end as rule,
       case when stands then bounce_code end as bounce_code
from ends
