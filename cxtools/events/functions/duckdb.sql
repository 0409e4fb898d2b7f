-- What the engines have under different names or with different meanings, for DuckDB.
-- A null argument gives null.

-- Whole seconds of the clock from a to b, less than 0 where b came first: 0.9 s to 1.1 s is one, 1.1 s to 1.9 s none.
create or replace temp macro seconds_between(a, b) as date_diff('second', a, b);
-- The same in thousandths.
create or replace temp macro millis_between(a, b) as date_diff('millisecond', a, b);
-- 1 on a Monday to 7 on a Sunday, in UTC.
create or replace temp macro iso_weekday(a) as extract(isodow from a);
-- A moment as text to the second, in UTC: 2026-01-01T00:00:00Z.
create or replace temp macro iso_text(a) as strftime(a, '%Y-%m-%dT%H:%M:%SZ');
-- Does a text hold what the pattern describes?
create or replace temp macro regexp_like(text, pattern) as regexp_matches(text, pattern);
-- The key of a text, as in cxtools/events/keys.py: the first 63 bits of its SHA-256.
create or replace temp macro key_of(text) as cast(cast('0x' || substr(sha256(text), 1, 16) as ubigint) >> 1 as bigint);
-- A number for a text, to compare texts within one statement: another engine has other numbers.
create or replace temp macro text_hash(text) as hash(text);
-- A number for what an event tells, likewise.
create or replace temp macro content_hash(message_key, kind, ts, link_url, bounce_code, bounce_text) as hash(message_key, kind, ts, link_url, bounce_code, bounce_text);
-- The texts of (place, word, text), in the order of place and word.
create or replace temp macro texts_in_order(rows struct(place bigint, word varchar, text varchar)[]) as list_transform(array_sort(rows), lambda row: struct_extract_at(row, 3));
