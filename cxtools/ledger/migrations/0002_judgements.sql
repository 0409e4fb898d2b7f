-- Version 2: the schema says its version, and campaign verdicts can be kept.
-- Version 1 is the schema of cxtools 0.1.0.

CREATE TABLE judgement (
    id TEXT NOT NULL,
    campaign TEXT NOT NULL,
    about TEXT NOT NULL,
    as_of FLOAT,
    word TEXT NOT NULL,
    checks TEXT NOT NULL,
    rules_digest TEXT NOT NULL,
    data_digest TEXT NOT NULL,
    page TEXT NOT NULL,
    cost FLOAT,
    made_at FLOAT NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX judgement_of ON judgement (campaign, about, made_at);

CREATE TABLE ledger_version (
    version INTEGER NOT NULL,
    at FLOAT NOT NULL,
    actor TEXT NOT NULL,
    PRIMARY KEY (version)
);
