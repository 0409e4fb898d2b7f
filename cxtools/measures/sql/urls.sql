-- Which link was meant by each URL that was followed?
-- grain:   one row per campaign x URL as it came
-- params:  none
-- reads:   clicks
-- columns: campaign, raw_url, link_url: bare of what mail filters wrap around it, without fragment and tracking parameters, and with "…" for each
--          address and for the values of a parameter that tells recipients apart: five values or more, and hardly more people than values
--          (`/p?u=<id>` is one link, not thousands)
with
addresses as (    -- one row per URL, bare and without its fragment
    select campaign, raw_url, split_part(url, '?', 1) as page, substr(url, length(split_part(url, '?', 1)) + 2) as query
    from (select campaign, raw_url, split_part(bare_url(raw_url), '#', 1) as url
          from (select distinct campaign, link_url as raw_url from clicks) as urls_of_clicks) as followed
),
parts as (        -- one row per URL and part of its query; a URL without a query has one empty part
    select distinct campaign, raw_url, page, part, instr(query, part) as place,
           case when part like '%=%' then split_part(part, '=', 1) || '=' else '' end as name
    from addresses
    cross join lateral unnest(split(query, '&')) as queries(part)
),
doubtful as (     -- one row per parameter with so many values that they may be one person's each
    select campaign, page, name, count(distinct part) as parts
    from parts
    where part <> ''
    group by campaign, page, name
    having count(distinct part) >= 5
),
personal as (
    select doubtful.campaign, doubtful.page, doubtful.name
    from doubtful
    join parts on parts.campaign = doubtful.campaign and parts.page = doubtful.page and parts.name = doubtful.name
    join clicks on clicks.campaign = parts.campaign and clicks.link_url = parts.raw_url
    where part <> ''
    group by doubtful.campaign, doubtful.page, doubtful.name
    having 10 * count(distinct message_key) <= 11 * max(doubtful.parts)
),
shown as (        -- one row per URL and part; text is null for a part that counts for nothing
    select parts.campaign, raw_url, parts.page, place, part,
           case when part = '' or regexp_like(part, '^(utm_[A-Za-z]+|gclid|fbclid|msclkid|mc_[ce]id|mkt_tok|_hsenc|_hsmi)=') then null
                when personal.name is null then part
                else personal.name || '…' end as text
    from parts
    left join personal on personal.campaign = parts.campaign and personal.page = parts.page and personal.name = parts.name
)
select campaign, raw_url,
       page || case when count(text) = 0 then '' else '?' end
            || concat_ws('&', texts_in_order(array_agg((place, part, text)) filter (where text is not null))) as link_url
from shown
group by campaign, raw_url, page
