-- What the engines name differently or mean differently, for Spark. What each function does is said in functions_duckdb.sql.

create or replace temporary function seconds_between(a timestamp, b timestamp) returns bigint return unix_seconds(b) - unix_seconds(a);
create or replace temporary function millis_between(a timestamp, b timestamp) returns bigint return unix_millis(b) - unix_millis(a);
create or replace temporary function iso_weekday(a timestamp) returns bigint return weekday(a) + 1;
create or replace temporary function iso_text(a timestamp) returns string return date_format(a, 'yyyy-MM-dd') || 'T' || date_format(a, 'HH:mm:ss') || 'Z';
create or replace temporary function iso_date(a timestamp) returns string return date_format(a, 'yyyy-MM-dd');
-- regexp_like is Spark's own.
create or replace temporary function texts_in_order(rows array<struct<place: bigint, word: string, text: string>>) returns array<string> return transform(array_sort(rows), row -> row.text);
create or replace temporary function text_hash(t string) returns bigint return xxhash64(t);
-- xxhash64 passes over nulls: only the moment may be one.
create or replace temporary function content_hash(a bigint, b string, c timestamp, d string, e string, f string) returns bigint return xxhash64(a, b, c, d, e, f);
create or replace temporary function key_of(t string) returns bigint return shiftrightunsigned(cast(conv(substr(sha2(t, 256), 1, 16), 16, -10) as bigint), 1);
create or replace temporary function bare_url(t string) returns string return replace(regexp_replace(regexp_replace(case when t like '%.safelinks.protection.outlook.com/%url=%' then coalesce(try_url_decode(replace(regexp_extract(t, '[?&]url=([^&#]*)', 1), '+', '%2B')), t) when t like '%urldefense%/v1/url?u=%' then coalesce(try_url_decode(replace(regexp_extract(t, '[?]u=([^&#]*)', 1), '+', '%2B')), t) when t like '%urldefense%/v2/url?u=%' then coalesce(try_url_decode(translate(regexp_extract(t, '[?]u=([^&#]*)', 1), '-_', '%/')), t) when t like '%urldefense%/v3/!_!_%!_!_;%' escape '!' then regexp_extract(t, '/v3/__(.*?)__;', 1) else t end, '(%(?:25)*(?:2[36CFcf]|3[ABDFabdf]))', chr(10) || '$1' || chr(10)), '[^\\s/?&=#:;,"<>()@＠]+(?:@|＠|%(?:25)*40)[^\\s/?&=#:;,"<>()]+', '…'), chr(10), '');
create or replace temporary function in_zone(a timestamp, zone string) returns timestamp return from_utc_timestamp(a, zone);
create or replace temporary function field_of(t string, name string) returns string return coalesce(get_json_object(t, "$['" || name || "']"), case when name like '%.%' then get_json_object(t, "$['" || replace(name, '.', "']['") || "']") end);
