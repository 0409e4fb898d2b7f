-- Version 3: what the API answered to suppression checks is kept for a while, so that a run after a
-- kill or a refused send needn't ask again.

CREATE TABLE suppression_answer (
    account TEXT NOT NULL,
    rcpt_key TEXT NOT NULL,
    reason TEXT,
    answered_at FLOAT NOT NULL,
    PRIMARY KEY (account, rcpt_key)
);
