-- What a hand-tuned query over the raw parts knows beforehand: whose ids are unique, that all rows are of one campaign,
-- that only tracking parameters follow a question mark, and each refusal's verdict.
-- reads: parts (the rows of the files), verdicts, providers
create view bounces as
select message_id, ts, bounce_code, bounce_text, category, verdicts.kind as bounce_kind, reason, confidence, rule
from parts
join verdicts using (bounce_code, bounce_text)
where parts.kind = 'bounce' and verdicts.kind <> 'none';

create view standing as
select *
from bounces
qualify row_number() over (partition by message_id order by ts desc nulls last, bounce_code, bounce_text) = 1;

create view facts as
select message_id,
       any_value(job_id) as job_id,
       any_value(email) as email,
       coalesce(min(ts) filter (where kind in ('delivery', 'bounce')), min(ts)) as first_at,
       max(ts) as last_at,
       bool_or(kind = 'delivery') as taken,
       min(ts) filter (where kind = 'delivery') as delivered_at,
       max(ts) filter (where kind = 'delivery') as last_delivery_at,
       bool_or(kind = 'open') as opened,
       bool_or(kind = 'open' and by_machine is not true) as opened_by_human,
       bool_or(kind = 'click' and not regexp_matches(link_url, 'unsub|preference')) as clicked,
       min(ts) filter (where kind = 'open') as first_open_at,
       min(ts) filter (where kind = 'click' and not regexp_matches(link_url, 'unsub|preference')) as first_click_at
from parts
group by message_id;

create view messages as
select facts.*,
       split_part(email, '@', 2) as domain,
       ts as bounced_at, category, bounce_kind, reason, confidence, rule, bounce_code, bounce_text,
       standing.message_id is not null
           and (not taken or coalesce(ts > last_delivery_at, false)
                or (bounce_kind <> 'soft' and coalesce(ts = last_delivery_at, true))) as bounced,
       taken or standing.message_id is not null as attempted,
       taken and not bounced as delivered
from facts
left join standing using (message_id);

create view clicks as
select distinct event_id, message_id, ts, split_part(link_url, '?', 1) as link_url,
       not regexp_matches(link_url, 'unsub|preference') as is_content
from parts
where kind = 'click';

-- Only the messages that have clicks: a tenth.
create view clickers as
select message_id
from parts
where kind = 'click'
group by message_id;
