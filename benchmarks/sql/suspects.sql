with wanted as (
    select message_id, delivered_at, opened, domain
    from messages
    semi join clickers using (message_id)
    where delivered
),
ordered as (
    select message_id, ts, link_url, delivered_at,
           lag(link_url) over w as link_before,
           lag(ts) over w as ts_before
    from clicks
    join wanted using (message_id)
    where ts is not null
    window w as (partition by message_id order by ts, link_url)
),
bursts as (
    select message_id, max(links) as most_links
    from (
        select message_id,
               count(*) over (partition by message_id order by ts range between interval 10 seconds preceding and current row) as links
        from (select message_id, link_url, min(ts) as ts from ordered group by message_id, link_url)
    )
    group by message_id
),
hits as (
    select message_id,
           min(date_diff('second', delivered_at, ts)) as delay_s,
           bool_or(coalesce(link_before <> link_url and date_diff('millisecond', ts_before, ts) <= 1000, false)) as r1,
           bool_or(coalesce(date_diff('second', delivered_at, ts) <= 2, false)) as r3
    from ordered
    group by message_id
),
offered as (select count(distinct link_url) as links from ordered),
flags as (
    select r1, r3,
           most_links >= 3 and most_links >= 0.8 * links as r2,
           not opened and coalesce(delay_s <= 30, false) as r4,
           count(*) over d >= 5 and avg(cast(r1 or r2 as integer)) over d >= 0.5 and coalesce(delay_s <= 60, false) as r5,
           count(*) over d >= 5 and bool_and(r3) over d as whole_domain
    from offered, hits
    join bursts using (message_id)
    join wanted using (message_id)
    window d as (partition by domain)
),
judged as (
    select *, r1 or r2 or whole_domain or cast(r3 as integer) + cast(r4 as integer) + cast(r5 as integer) >= 2 as suspect
    from flags
),
counts as (
    select count(*) as total,
           count_if(r1) as r1, count_if(r2) as r2, count_if(r3) as r3, count_if(r4) as r4, count_if(r5) as r5,
           count_if(suspect) as suspect, count_if(not suspect) as human
    from judged
)
select unnest(['r1', 'r2', 'r3', 'r4', 'r5', 'suspect', 'human']) as rule,
       cast(unnest([r1, r2, r3, r4, r5, suspect, human]) as bigint) as clickers,
       cast(total as bigint) as total
from counts
