-- Which messages were reached, and had a link followed?
-- grain:   one row per message that was reached, with a click
-- params:  messages  rows of all_messages_split.sql
-- reads:   clicks, its params
-- columns: campaign, message_key, delivered_at, domain, opened, clicked (on content), split, is_asked
--
-- A message's own row tells of clicks on content. To look for each message among all clicks would take more memory than there may be, and
-- put all messages on disk; clicks on other links are few.
select messages.campaign, messages.message_key, delivered_at, domain, opened, clicked, split, is_asked
from {messages} as messages
left join (select distinct campaign, message_key from clicks where is_content is not true) as other_clicks
  on other_clicks.campaign = messages.campaign and other_clicks.message_key = messages.message_key
where reached and (clicked or other_clicks.message_key is not null)
