"""
The operational truth of every campaign: plans, batches, POSTs, jobs, quota, suppressions, webhooks,
judgements, audit log.
"""
