-- Do those who are mailed often click less, or bounce more?
-- grain:   one row per number of messages in the seven days up to a message
-- params:  none
-- reads:   messages
-- columns: campaign ("all"), mails_a_week (5 for that many or more), attempted, delivered, bounced, clicked
with
mailed as (
    select email, first_at, delivered, bounced, clicked,
           seconds_between(timestamp '2000-01-01 00:00:00', first_at) as second
    from messages
    where attempted and email <> '' and first_at is not null
),
counted as (
    select delivered, bounced, clicked,
           count(*) over (partition by email order by second range between 604799 preceding and current row) as mails
    from mailed
)
select 'all' as campaign,
       least(mails, 5) as mails_a_week,
       count(*) as attempted,
       count(*) filter (where delivered) as delivered,
       count(*) filter (where bounced) as bounced,
       count(*) filter (where delivered and clicked) as clicked
from counted
group by least(mails, 5)
order by mails_a_week
