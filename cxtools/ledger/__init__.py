"""The operational truth of every campaign: plans, batches, quota, suppressions, webhooks, audit log."""
