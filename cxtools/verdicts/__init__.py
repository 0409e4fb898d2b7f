"""What a campaign's measures mean: PASS, WARN or FAIL, and why."""
