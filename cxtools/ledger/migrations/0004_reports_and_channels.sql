-- Version 4: how the reports of reports.toml ended, and messages of the outbox that go to one of its
-- channels. The channel of a webhook to the CRM is ''.

CREATE TABLE report_run (
    report TEXT NOT NULL,
    campaign TEXT NOT NULL,
    ran_at FLOAT,
    data_digest TEXT NOT NULL,
    rules_digest TEXT NOT NULL,
    page TEXT NOT NULL,
    tries INTEGER NOT NULL,
    next_at FLOAT,
    failing_since FLOAT,
    error TEXT NOT NULL,
    PRIMARY KEY (report, campaign)
);

ALTER TABLE outbox ADD COLUMN channel TEXT NOT NULL DEFAULT '';
