"""Campaigns: planned (plan), written down first (ledger, audit), sent, followed, told to the CRM (send, collect, retry, crm)."""
