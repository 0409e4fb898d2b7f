with delivered_clicks as (
    select message_id, link_url, is_content, ts
    from clicks
    semi join (select message_id from messages semi join clickers using (message_id) where delivered) as wanted using (message_id)
),
whole as (select count(distinct message_id) as all_clickers from delivered_clicks)
select link_url,
       case when is_content then 'content' else 'unsubscribe' end as purpose,
       count(distinct message_id) as clickers,
       count(*) as clicks,
       any_value(all_clickers) as all_clickers,
       min(ts) as first_at,
       max(ts) as last_at
from delivered_clicks, whole
group by link_url, purpose
