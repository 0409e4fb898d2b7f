-- Do those who are mailed often click less, or bounce more?
-- grain:   one row per number of messages in the six and a half days up to a message: whoever is mailed once a week isn't mailed twice in it, though a
--          mailing takes hours and comes to him early in one week and late in another
-- params:  none
-- reads:   messages, stored_counts
-- columns: campaign ("all"), mails_a_week (5 for that many or more), attempted, delivered, bounced, delivered_told (in campaigns that tell of clicks), clicked
with
mailed as (       -- an address as a number is faster to compare
    select text_hash(email) as person, delivered, bounced, clicked, told.clicks > 0 as is_told,
           seconds_between(timestamp '2000-01-01 00:00:00', first_at) as second
    from messages
    join stored_counts as told on told.campaign = messages.campaign
    where attempted and email <> '' and first_at is not null
),
counted as (
    select delivered, bounced, clicked, is_told,
           count(*) over (partition by person order by second range between 561599 preceding and current row) as mails
    from mailed
)
select 'all' as campaign,
       least(mails, 5) as mails_a_week,
       count(*) as attempted,
       count(*) filter (where delivered) as delivered,
       count(*) filter (where bounced) as bounced,
       count(*) filter (where delivered and is_told) as delivered_told,
       count(*) filter (where delivered and clicked) as clicked
from counted
group by least(mails, 5)
order by mails_a_week
