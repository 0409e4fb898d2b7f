-- What became of each message, and who runs its mailbox?
-- grain:   one row per message
-- params:  none
-- reads:   all_messages_by_domain, providers (one row per domain of theirs)
-- columns: those of all_messages.sql; provider (else other)
select messages.*, coalesce(providers.provider, 'other') as provider
from all_messages_by_domain as messages
left join providers on providers.domain = messages.domain
