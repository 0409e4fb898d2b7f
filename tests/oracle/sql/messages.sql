-- How far did each message to one recipient get?
-- grain:   one row per message: campaign x message_id x who
-- params:  none
-- reads:   events (what the feed tells at all), counted_events, verdicts (one row per bounce_code x bounce_text x bounce_class), providers (domain, provider)
-- columns: campaign, message_id, who, job_id, email, domain (of the address), provider (who runs the mailbox, else other),
--          sending_at (see sql/sending_moments.sql of the measures), first_at (of its sending, delivery or bounce, else of any event), last_at, attempted, delivered (attempted and not bounced in the end),
--          bounced, late_bounced (a delivery came first), opens, machine_opens (those of them which the feed marks as a machine's),
--          clicks (on content), not_sent (the feed's word, where it says that the platform did not send it), delivered_at, first_open_at,
--          first_click_at; of the bounce that stands, null unless bounced: bounced_at, category, bounce_kind, reason, confidence, rule,
--          is_unauthenticated (false unless bounced), bounce_code, bounce_text, bounce_class
with
bounces as (      -- one row per bounce event, latest of its message first; an auto-reply or a complaint is not a bounce
    select campaign, message_id, who, ts, bounce_code, bounce_text, bounce_class, verdicts.category, verdicts.kind as bounce_kind, verdicts.reason, confidence, rule, is_unauthenticated,
           row_number() over (partition by campaign, message_id, who order by ts desc nulls last, bounce_code, bounce_text, bounce_class) as nth
    from counted_events
    join verdicts using (bounce_code, bounce_text, bounce_class)
    where counted_events.kind = 'bounce' and verdicts.kind <> 'none'
),
told as (
    select campaign,
           count(*) filter (where kind = 'delivery') > 0 as deliveries_told,
           count(*) filter (where kind = 'sent') > 0 as sendings_told
    from events
    semi join owners using (campaign, event_id)
    group by campaign
),
facts as (        -- one row per message, whatever the order of its events
    select campaign, message_id, who,
           max(job_id) as job_id,
           max(email) as email,
           coalesce(min(ts) filter (where kind in ('sent', 'delivery', 'bounce')), min(ts)) as first_at,
           max(ts) as last_at,
           count(*) filter (where kind = 'sent') as sents,
           count(*) filter (where kind = 'delivery') as deliveries,
           min(ts) filter (where kind = 'delivery') as delivered_at,
           max(ts) filter (where kind = 'delivery') as last_delivery_at,
           count(*) filter (where kind = 'open') as opens,
           count(*) filter (where kind = 'open' and by_machine) as machine_opens,
           max(raw_kind) filter (where kind = 'suppressed') as not_sent,
           count(*) filter (where is_content) as clicks,
           min(ts) filter (where kind = 'open') as first_open_at,
           min(ts) filter (where is_content) as first_click_at
    from counted_events
    where who is not null
    group by campaign, message_id, who
),
ends as (         -- one row per message; a bounce stands unless a delivery came later. Order unknown: only a soft bounce gives way
    select facts.*,
           case when deliveries_told then deliveries > 0 else sents > 0 and not_sent is null end as taken,
           deliveries_told or sendings_told as is_told,
           not deliveries_told and sents > 0 as is_told_by_sending,
           bounces.nth is not null
               and (deliveries = 0 or coalesce(bounces.ts > last_delivery_at, false)
                    or (bounce_kind <> 'soft' and coalesce(bounces.ts = last_delivery_at, true))) as bounced,
           bounces.ts as bounced_at, bounce_code, bounce_text, bounce_class, category, bounce_kind, reason, confidence, rule, is_unauthenticated,
           lower(split_part(facts.email, '@', 2)) as domain
    from facts
    join told on told.campaign = facts.campaign
    left join bounces
      on bounces.campaign = facts.campaign and bounces.message_id = facts.message_id and bounces.who = facts.who and bounces.nth = 1
)
select campaign, message_id, who, job_id, email,
       ends.domain,
       coalesce(providers.provider, 'other') as provider,
       first_at, last_at,
       case when sents > 0 or deliveries > 0 then first_at
            else coalesce((select max(other.first_at)
                           from facts as other
                           where other.campaign = ends.campaign and other.job_id is not distinct from ends.job_id
                                 and (other.sents > 0 or other.deliveries > 0) and other.first_at <= ends.first_at), first_at)
       end as sending_at,
       is_told and (taken or bounced) as attempted,
       taken and not bounced as delivered,
       not bounced and (taken or not is_told) as reached,
       bounced,
       deliveries > 0 and bounced as late_bounced,
       opens, machine_opens, clicks, not_sent,
       case when is_told_by_sending then first_at else delivered_at end as delivered_at,
       first_open_at, first_click_at,
       case when bounced then bounced_at end as bounced_at,
       case when bounced then category end as category,
       case when bounced then bounce_kind end as bounce_kind,
       case when bounced then reason end as reason,
       case when bounced then confidence end as confidence,
       case when bounced then rule end as rule,
       coalesce(bounced and is_unauthenticated, false) as is_unauthenticated,
       case when bounced then bounce_code end as bounce_code,
       case when bounced then bounce_text end as bounce_text,
       case when bounced then bounce_class end as bounce_class
from ends
left join providers on providers.domain = ends.domain
