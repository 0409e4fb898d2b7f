-- How long ago had people clicked when they were mailed again?
-- grain:   one row per time since the last click
-- params:  none
-- reads:   messages
-- columns: campaign ("all"), last_click, attempted, delivered, bounced, clicked
with
mailed as (
    select campaign, message_key, email, first_at, delivered, bounced, clicked, first_click_at,
           row_number() over (partition by email order by first_at, campaign, message_key) as nth
    from messages
    where attempted and email <> '' and first_at is not null
),
clicks_before as (     -- of each message the last click on one that came before
    select mailed.campaign, mailed.message_key, max(earlier.first_click_at) as clicked_at
    from mailed
    join mailed as earlier on earlier.email = mailed.email and earlier.first_click_at < mailed.first_at
    group by mailed.campaign, mailed.message_key
),
aged as (
    select mailed.delivered, mailed.bounced, mailed.clicked, mailed.nth,
           seconds_between(clicks_before.clicked_at, mailed.first_at) / 86400.0 as days
    from mailed
    left join clicks_before on clicks_before.campaign = mailed.campaign and clicks_before.message_key = mailed.message_key
),
named as (
    select delivered, bounced, clicked,
           case when nth = 1 then 0 when days <= 14 then 1 when days <= 90 then 2 when days <= 365 then 3 when days is not null then 4 else 5 end as place
    from aged
)
select 'all' as campaign,
       case place when 0 then 'first mailing' when 1 then 'up to 14 days' when 2 then 'up to 90 days' when 3 then 'up to a year'
            when 4 then 'over a year' else 'never clicked' end as last_click,
       count(*) as attempted,
       count(*) filter (where delivered) as delivered,
       count(*) filter (where bounced) as bounced,
       count(*) filter (where delivered and clicked) as clicked
from named
group by place
order by place
