-- What became of those who were first mailed in the same month, campaign by campaign?
-- grain:   one row per month of the first mailing and number of the mailing
-- params:  none
-- reads:   messages, stored_counts
-- columns: campaign ("all"), cohort, mailing, attempted, delivered, bounced, delivered_told (in campaigns that tell of clicks), clicked
with
mailed as (
    select messages.campaign, message_key, email, first_at, delivered, bounced, clicked, told.clicks > 0 as is_told,
           cast(row_number() over (partition by email order by first_at, messages.campaign, message_key) as bigint) as mailing,
           min(first_at) over (partition by email) as begun_at
    from messages
    join stored_counts as told on told.campaign = messages.campaign
    where attempted and email <> '' and first_at is not null
)
select 'all' as campaign,
       substr(iso_date(begun_at), 1, 7) as cohort,
       mailing,
       count(*) as attempted,
       count(*) filter (where delivered) as delivered,
       count(*) filter (where bounced) as bounced,
       count(*) filter (where delivered and is_told) as delivered_told,
       count(*) filter (where delivered and clicked) as clicked
from mailed
group by substr(iso_date(begun_at), 1, 7), mailing
order by cohort, mailing
