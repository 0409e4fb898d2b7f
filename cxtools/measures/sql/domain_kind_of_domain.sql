-- What became of each message, and what kind of domain is it for?
-- grain:   one row per message
-- params:  none
-- reads:   all_messages_by_provider, domain_kinds (one row per domain of theirs)
-- columns: those of all_messages_by_provider; domain_kind (null where no address is known)
select messages.*, domain_kinds.kind as domain_kind
from all_messages_by_provider as messages
left join domain_kinds on domain_kinds.domain = messages.domain
