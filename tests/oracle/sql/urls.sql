-- Which link was meant by each URL that was followed?
-- grain:   one row per campaign x URL as it came
-- params:  none
-- reads:   counted_events
-- columns: campaign, raw_url, link_url: without fragment and tracking parameters, and with "…" for an address and for the values of a parameter that tells
--          recipients apart: five values or more, and hardly more people than values (`/p?u=<id>` is one link, not thousands)
with
followed as (
    select distinct campaign, message_id, who, link_url as raw_url, regexp_replace(regexp_replace(link_url, '#.*$', ''), '[\w.+-]+(@|%40)[\w-]+([.][\w-]+)+', '…', 'g') as url
    from counted_events
    where kind = 'click' and who is not null
),
parts as (        -- one row per URL, message and part of the query; a URL without a query has one empty part
    select campaign, message_id, who, raw_url, split_part(url, '?', 1) as page,
           unnest(string_split(substr(url, length(split_part(url, '?', 1)) + 2), '&')) as part
    from followed
),
named as (
    select parts.*, case when part like '%=%' then split_part(part, '=', 1) || '=' else '' end as name
    from parts
),
personal as (     -- one row per parameter whose values are one person's
    select campaign, page, name
    from named
    where part <> ''
    group by campaign, page, name
    having count(distinct part) >= 5 and count(distinct message_id || ' ' || who) <= 1.1 * count(distinct part)
),
worded as (       -- one row per URL and part
    select distinct named.campaign, raw_url, named.page, part,
           case when personal.name is null then part else personal.name || '…' end as shown,
           part <> '' and not regexp_matches(part, '^(utm_[A-Za-z]+|gclid|fbclid|msclkid|mc_[ce]id|mkt_tok|_hsenc|_hsmi)=') as counts
    from named
    left join personal on personal.campaign = named.campaign and personal.page = named.page and personal.name = named.name
)
select campaign, raw_url,
       page || coalesce('?' || string_agg(case when counts then shown end, '&' order by strpos(raw_url, part), part), '') as link_url
from worded
group by campaign, raw_url, page
