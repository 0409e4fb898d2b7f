-- What did servers say to whom when they refused?
-- grain:   one row per address, code, text and class
-- params:  none
-- reads:   bounces, all_messages (those of the jobs)
-- columns: email, bounce_code, bounce_text, bounce_class
select distinct all_messages.email, bounces.bounce_code, bounces.bounce_text, bounces.bounce_class
from bounces
join all_messages on all_messages.campaign = bounces.campaign and all_messages.message_key = bounces.message_key
where all_messages.email <> ''
order by all_messages.email, bounces.bounce_code, bounces.bounce_text, bounces.bounce_class
