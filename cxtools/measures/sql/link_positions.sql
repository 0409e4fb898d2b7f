-- Where in the mail do the links stand that people click?
-- grain:   one row per campaign x body x position, the first link first; last the clicks of which no position is told; none where none is told
-- params:  none
-- reads:   clicks, messages, received (rows of parts)
-- columns: campaign, split, body (html | text), position (1: the first link; null where it isn't told), clickers (distinct messages; they don't add up
--          over positions), all_clickers (of any content)
with
told as (         -- one row per click of which a feed tells where its link stands: SendGrid's url_offset, which counts from 0
    select distinct campaign, message_key, ts, link_url,
           field_of(raw, 'url_offset.type') as body,
           cast(field_of(raw, 'url_offset.index') as integer) + 1 as position
    from received
    where kind = 'click' and regexp_like(field_of(raw, 'url_offset.index'), '^[0-9]{1,4}$')
),
followed as (     -- one row per message and place
    select distinct messages.campaign, messages.split, messages.message_key, told.body, told.position
    from clicks
    join messages on messages.campaign = clicks.campaign and messages.message_key = clicks.message_key
    left join told
      on told.campaign = clicks.campaign and told.message_key = clicks.message_key
     and told.link_url = clicks.link_url and told.ts is not distinct from clicks.ts
    where messages.reached and clicks.is_content
),
totals as (
    select campaign, split, count(distinct message_key) as all_clickers, count(position) as known
    from followed
    group by campaign, split
)
select followed.campaign, followed.split, body, position,
       count(distinct message_key) as clickers,
       max(all_clickers) as all_clickers
from followed
join totals on totals.campaign = followed.campaign and totals.split is not distinct from followed.split
where known > 0
group by followed.campaign, followed.split, body, position
order by followed.campaign, followed.split, body nulls last, position nulls last
