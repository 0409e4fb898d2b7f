-- What became of those who were first mailed in the same month, campaign by campaign?
-- grain:   one row per month of the first mailing and number of the mailing
-- params:  none
-- reads:   messages, stored_counts
-- columns: campaign ("all"), cohort, mailing, attempted, delivered, bounced, delivered_told (in campaigns that tell of clicks), clicked
with
mailed as (       -- an address as a number is faster to compare
    select messages.campaign, message_key, text_hash(email) as person, first_at, delivered, bounced, clicked, told.clicks > 0 as is_told
    from messages
    join stored_counts as told on told.campaign = messages.campaign
    where attempted and email <> '' and first_at is not null
),
in_order as (
    select delivered, bounced, clicked, is_told,
           cast(row_number() over (partition by person order by first_at, campaign, message_key) as bigint) as mailing,
           min(first_at) over (partition by person) as begun_at
    from mailed
),
days as (         -- one row per day of the first mailing
    select mailing,
           min(begun_at) as begun_at,
           count(*) as attempted,
           count(*) filter (where delivered) as delivered,
           count(*) filter (where bounced) as bounced,
           count(*) filter (where delivered and is_told) as delivered_told,
           count(*) filter (where delivered and clicked) as clicked
    from in_order
    group by floor(seconds_between(cast('1970-01-01 00:00:00' as timestamp), begun_at) / 86400e0), mailing
)
select 'all' as campaign,
       substr(iso_date(begun_at), 1, 7) as cohort,
       mailing,
       cast(sum(attempted) as bigint) as attempted,
       cast(sum(delivered) as bigint) as delivered,
       cast(sum(bounced) as bigint) as bounced,
       cast(sum(delivered_told) as bigint) as delivered_told,
       cast(sum(clicked) as bigint) as clicked
from days
group by substr(iso_date(begun_at), 1, 7), mailing
order by cohort, mailing
