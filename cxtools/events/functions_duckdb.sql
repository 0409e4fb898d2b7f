-- What the engines name differently or mean differently, for DuckDB. The same functions, in the same order, are in functions_spark.sql.
-- A null argument gives null, except to the hashes. Moments are taken as microseconds: what DuckDB does with a time zone takes 10 to 40 times as long.

-- Whole seconds of the clock from a to b, below 0 where b came first: one from 0.9 s to 1.1 s, none from 1.1 s to 1.9 s.
create macro seconds_between(a, b) as cast(floor(epoch_us(b) / 1000000) - floor(epoch_us(a) / 1000000) as bigint);
-- The same in thousandths of a second.
create macro millis_between(a, b) as cast(floor(epoch_us(b) / 1000) - floor(epoch_us(a) / 1000) as bigint);
-- 1 on Mondays to 7 on Sundays, in UTC.
create macro iso_weekday(a) as extract(isodow from make_timestamp(epoch_us(a)));
-- A moment in UTC, without the fraction of its second: 2026-01-01T00:00:00Z.
create macro iso_text(a) as strftime(make_timestamp(epoch_us(a)), '%Y-%m-%dT%H:%M:%SZ');
-- A day in UTC: 2026-01-01.
create macro iso_date(a) as cast(cast(make_timestamp(epoch_us(a)) as date) as varchar);
-- Does a text hold what a pattern describes?
create macro regexp_like(t, pattern) as regexp_matches(t, pattern);
-- The texts of rows (place, word, text), by place, then by word.
create macro texts_in_order(rows struct(place bigint, word varchar, text varchar)[]) as list_transform(list_sort(rows), lambda row: struct_extract_at(row, 3));
-- A number for a text, and for what an event tells; another engine, or another version of this one, has others: not to be kept.
create macro text_hash(t) as hash(t);
create macro content_hash(a, b, c, d, e, f) as hash(a, b, c, d, e, f);
-- The key of a text, as in keys.py.
create macro key_of(t) as cast(cast('0x' || substr(sha256(t), 1, 16) as ubigint) >> 1 as bigint);
-- The link inside of what Microsoft's Safe Links and Proofpoint's URL Defense made of it, or else the link; "…" stands for each address in it, however often
-- its @ is encoded. What divides a link divides it where that is encoded, too: each such sign stands in a line of its own until addresses are found.
-- The @ of /@name makes no address.
create macro bare_url(t) as replace(regexp_replace(regexp_replace(case
    when t like '%.safelinks.protection.outlook.com/%url=%' then url_decode(replace(regexp_extract(t, '[?&]url=([^&#]*)', 1), '+', '%2B'))
    when t like '%urldefense%/v1/url?u=%' then url_decode(replace(regexp_extract(t, '[?]u=([^&#]*)', 1), '+', '%2B'))
    when t like '%urldefense%/v2/url?u=%' then url_decode(translate(regexp_extract(t, '[?]u=([^&#]*)', 1), '-_', '%/'))
    when t like '%urldefense%/v3/!_!_%!_!_;%' escape '!' then regexp_extract(t, '/v3/__(.*?)__;', 1)
    else t end,
    '(%(?:25)*(?:2[36CFcf]|3[ABDFabdf]))', chr(10) || '\1' || chr(10), 'g'),
    '[^[:space:]/?&=#:;,"<>()@＠]+(?:@|＠|%(?:25)*40)[^[:space:]/?&=#:;,"<>()]+', '…', 'g'), chr(10), '');
-- A moment whose reading in UTC is that of the clock in a zone.
create macro in_zone(a, zone) as timezone('UTC', timezone(zone, a));
-- What an object in JSON holds under a name, as text; of a name with dots, also what stands inside of objects. Null where the text is no JSON.
create macro field_of(t, name) as coalesce(
    try(json_extract_string(t, '$."' || name || '"')),
    case when name like '%.%' then try(json_extract_string(t, '$."' || replace(name, '.', '"."') || '"')) end);
