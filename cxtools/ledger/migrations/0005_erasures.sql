-- Version 5: people who asked to be erased, by key, and the token that stands in their place.

CREATE TABLE erasure (
    rcpt_key TEXT NOT NULL,
    token TEXT NOT NULL,
    domain TEXT NOT NULL,
    reason TEXT NOT NULL,
    at FLOAT NOT NULL,
    PRIMARY KEY (rcpt_key)
);
