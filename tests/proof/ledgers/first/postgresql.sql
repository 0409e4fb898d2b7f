CREATE TABLE attempt (
	batch_id TEXT NOT NULL, 
	no INTEGER NOT NULL, 
	started_at FLOAT NOT NULL, 
	payload_sha256 TEXT NOT NULL, 
	ended_at FLOAT, 
	outcome TEXT, 
	trace_id TEXT, 
	status INTEGER, 
	PRIMARY KEY (batch_id, no)
);
CREATE TABLE audit (
	seq SERIAL NOT NULL, 
	at FLOAT NOT NULL, 
	actor TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	body TEXT NOT NULL, 
	prev TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (seq)
);
CREATE TABLE audit_head (
	id SERIAL NOT NULL, 
	seq INTEGER NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE batch (
	id TEXT NOT NULL, 
	campaign TEXT NOT NULL, 
	wave INTEGER NOT NULL, 
	ordinal INTEGER NOT NULL, 
	recipients INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	candidates BYTEA NOT NULL, 
	payload BYTEA, 
	payload_sha256 TEXT, 
	epoch INTEGER NOT NULL, 
	owner TEXT, 
	lease_until FLOAT, 
	quota_account TEXT, 
	quota_day TEXT, 
	job_id TEXT, 
	job_status TEXT, 
	latency_s FLOAT, 
	spam_score FLOAT, 
	first_attempt_at FLOAT, 
	submitted_at FLOAT, 
	final_at FLOAT, 
	scanned_at FLOAT, 
	events INTEGER NOT NULL, 
	told_events INTEGER NOT NULL, 
	scans INTEGER NOT NULL, 
	quiet_scans INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (job_id)
);
CREATE INDEX ix_batch_campaign ON batch (campaign);
CREATE TABLE campaign (
	name TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	spec TEXT NOT NULL, 
	account TEXT NOT NULL, 
	rows INTEGER NOT NULL, 
	created_at FLOAT NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE left_out (
	campaign TEXT NOT NULL, 
	line INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	masked TEXT NOT NULL, 
	PRIMARY KEY (campaign, line)
);
CREATE TABLE outbox (
	id TEXT NOT NULL, 
	campaign TEXT NOT NULL, 
	batch_id TEXT NOT NULL, 
	event TEXT NOT NULL, 
	state TEXT NOT NULL, 
	body BYTEA NOT NULL, 
	tries INTEGER NOT NULL, 
	next_at FLOAT NOT NULL, 
	lease_until FLOAT NOT NULL, 
	created_at FLOAT NOT NULL, 
	delivered_at FLOAT, 
	last_error TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE quota (
	account TEXT NOT NULL, 
	day TEXT NOT NULL, 
	used INTEGER NOT NULL, 
	closed BOOLEAN NOT NULL, 
	PRIMARY KEY (account, day), 
	CHECK (used >= 0)
);
CREATE TABLE slot (
	campaign TEXT NOT NULL, 
	wave INTEGER NOT NULL, 
	rcpt_key TEXT NOT NULL, 
	batch_id TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	PRIMARY KEY (campaign, wave, rcpt_key), 
	CHECK (wave between 0 and 9)
);
CREATE INDEX ix_slot_batch_id ON slot (batch_id);
CREATE TABLE strike (
	rcpt_key TEXT NOT NULL, 
	campaign TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	since FLOAT NOT NULL, 
	PRIMARY KEY (rcpt_key, campaign)
);
CREATE TABLE suppression (
	rcpt_key TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	campaign TEXT NOT NULL, 
	since FLOAT NOT NULL, 
	PRIMARY KEY (rcpt_key)
);
