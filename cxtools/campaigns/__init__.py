"""
Campaigns: planned (plan), written down first (ledger, trail, outbox), sent, followed, told to the
CRM (send, collect, retry, crm).
"""
