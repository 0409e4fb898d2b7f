-- How many opened or clicked within an hour, a day, three days, a week of delivery?
-- grain:   one row per campaign x kind x hours (and value of each column it is split by)
-- params:  none
-- reads:   messages
-- columns: campaign, split, kind (open, click), hours (1, 24, 72, 168), recipients (within them), ever (however long it took), delivered
select campaign, split, kind, hours,
       count(*) filter (where reacted_at is not null and date_diff('second', delivered_at, reacted_at) <= hours * 3600) as recipients,
       count(*) filter (where delivered_at is not null and reacted_at is not null) as ever,
       count(*) as delivered
from (select messages.*, kind, case when kind = 'open' then first_open_at else first_click_at end as reacted_at
      from messages, (values ('open'), ('click')) as kinds(kind)
      where delivered) as reactions,
     (values (1), (24), (72), (168)) as windows(hours)
where true
group by campaign, split, kind, hours
order by campaign, split, kind desc, hours
