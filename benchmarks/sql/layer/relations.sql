-- The same relations over the files of the layer, for one campaign that has no tail.
-- reads: stored_messages, stored_clicks, stored_bounces, verdicts (one row per cause), providers
create view messages as
select message_key as message_id, job_id, domain,
       coalesce(first_sent_at, first_event_at) as first_at,
       last_event_at as last_at,
       deliveries > 0 as taken,
       delivered_at,
       opens > 0 as opened,
       opens > machine_opens as opened_by_human,
       clicks > 0 as clicked,
       first_open_at, first_click_at, bounced_at, stored_messages.cause_id, category, kind as bounce_kind, reason, confidence, rule,
       kind is not null
           and (deliveries = 0 or coalesce(bounced_at > last_delivery_at, false)
                or (kind <> 'soft' and coalesce(bounced_at = last_delivery_at, true))) as bounced,
       taken or kind is not null as attempted,
       taken and not bounced as delivered
from stored_messages
left join (select * from verdicts where kind <> 'none') as verdicts using (cause_id);

create view clicks as
select message_key as message_id, ts, split_part(link_url, '?', 1) as link_url, is_content
from stored_clicks;

create view clickers as
select message_id
from clicks
group by message_id;
