-- How long ago had people clicked when they were mailed again?
-- grain:   one row per time since the last click
-- params:  none
-- reads:   messages, clicks, stored_counts
-- columns: campaign ("all"), last_click, attempted, delivered, bounced, delivered_told (in campaigns that tell of clicks), clicked
with
mailed as (       -- an address as a number is faster to compare
    select messages.campaign, message_key, text_hash(email) as person, first_at, delivered, bounced, clicked, told.clicks > 0 as is_told
    from messages
    join stored_counts as told on told.campaign = messages.campaign
    where attempted and email <> '' and first_at is not null
),
stream as (       -- of each address its mailings and its clicks on content, as they came
    select person, first_at as moment, 1 as is_mailing, delivered, bounced, clicked, is_told from mailed
    union all
    select mailed.person, clicks.ts as moment, 0 as is_mailing, false as delivered, false as bounced, false as clicked, false as is_told
    from clicks
    join mailed on mailed.campaign = clicks.campaign and mailed.message_key = clicks.message_key
    where clicks.is_content and clicks.ts is not null
),
known as (
    select stream.*,
           sum(is_mailing) over (partition by person order by moment, is_mailing desc rows between unbounded preceding and current row) as nth,
           max(case when is_mailing = 0 then moment end) over (partition by person order by moment, is_mailing desc rows between unbounded preceding and current row) as clicked_at
    from stream
),
aged as (
    select delivered, bounced, clicked, is_told, nth, seconds_between(clicked_at, moment) / 86400.0 as days
    from known
    where is_mailing = 1
),
named as (
    select delivered, bounced, clicked, is_told,
           case when nth = 1 then 0 when days <= 14 then 1 when days <= 90 then 2 when days <= 365 then 3 when days is not null then 4 else 5 end as place
    from aged
)
select 'all' as campaign,
       case place when 0 then 'first mailing' when 1 then 'up to 14 days' when 2 then 'up to 90 days' when 3 then 'up to a year'
            when 4 then 'over a year' else 'never clicked' end as last_click,
       count(*) as attempted,
       count(*) filter (where delivered) as delivered,
       count(*) filter (where bounced) as bounced,
       count(*) filter (where delivered and is_told) as delivered_told,
       count(*) filter (where delivered and clicked) as clicked
from named
group by place
order by place
