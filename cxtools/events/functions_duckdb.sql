create temp macro regexp_like(t, pattern) as regexp_matches(t, pattern);
create temp macro text_hash(t) as hash(t);
create temp macro content_hash(a, b, c, d, e, f) as hash(a, b, c, d, e, f);
