-- What became of each message? A row of the tail stands in the place of the one it brings up to date.
-- grain:   one row per message
-- params:  main, tail  the rows of both; keys  the columns that name a message
-- reads:   its params
-- columns: those of finished_messages.sql
select * from {main} anti join {tail} using ({keys})
union all
select * from {tail}
