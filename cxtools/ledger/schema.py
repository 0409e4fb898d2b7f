"""
The tables of the ledger. Moments are Unix time in seconds; a column that may be null says so.

The keys are the promises: one person once per wave (`slot`), one job per batch (`batch.job_id`),
one row per POST, written before it (`attempt`), one quota per account and day.

A new ledger is made of these tables; an older one becomes the same by `migrations/`.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Named,
    Table,
    Text,
    TypedColumns,
)

TABLES = MetaData()

# The kinds of columns; a table gets copies of its own.
KEY = Column(Text, primary_key=True)
NUMBER = Column(Integer, primary_key=True)
GIVEN_NUMBER = Column(Integer, primary_key=True, autoincrement=False)
INDEXED = Column(Text, index=True)
UNIQUE = Column(Text, unique=True)
TEXT = Column(Text)
EMPTY = Column(Text, default="")
BYTES = Column(LargeBinary)
WHOLE = Column(Integer)
COUNTED = Column(Integer, default=0)
MEASURED = Column(Float)
YES_OR_NO = Column(Boolean)
#: Unix time in seconds.
MOMENT = Column(Float)


class CampaignColumns(TypedColumns):
    """One row per campaign."""

    name: Named[str] = KEY
    digest: Named[str] = TEXT
    spec: Named[str] = TEXT
    account: Named[str] = TEXT
    rows: Named[int] = WHOLE
    created_at: Named[float] = MOMENT


class LeftOutColumns(TypedColumns):
    """One row per row of a list that nobody is mailed for, and why."""

    campaign: Named[str] = KEY
    line: Named[int] = NUMBER
    reason: Named[str] = TEXT
    detail: Named[str] = TEXT
    masked: Named[str] = TEXT


class SlotColumns(TypedColumns):
    """One row per person and wave; `outcome` is why the person was left out when it went out."""

    campaign: Named[str] = KEY
    wave: Named[int] = NUMBER
    rcpt_key: Named[str] = KEY
    batch_id: Named[str] = INDEXED
    outcome: Named[str] = EMPTY


class BatchColumns(TypedColumns):
    """One row per batch: its plan, its POST, its job, its events."""

    id: Named[str] = KEY
    campaign: Named[str] = INDEXED
    wave: Named[int] = WHOLE
    ordinal: Named[int] = WHOLE
    recipients: Named[int] = WHOLE
    state: Named[str] = TEXT
    detail: Named[str] = EMPTY
    candidates: Named[bytes] = BYTES
    payload: Named[bytes | None] = BYTES
    payload_sha256: Named[str | None] = TEXT
    epoch: Named[int] = COUNTED
    owner: Named[str | None] = TEXT
    lease_until: Named[float | None] = MOMENT
    quota_account: Named[str | None] = TEXT
    quota_day: Named[str | None] = TEXT
    job_id: Named[str | None] = UNIQUE
    job_status: Named[str | None] = TEXT
    latency_s: Named[float | None] = MEASURED
    spam_score: Named[float | None] = MEASURED
    first_attempt_at: Named[float | None] = MOMENT
    submitted_at: Named[float | None] = MOMENT
    final_at: Named[float | None] = MOMENT
    scanned_at: Named[float | None] = MOMENT
    events: Named[int] = COUNTED
    told_events: Named[int] = COUNTED
    scans: Named[int] = COUNTED
    quiet_scans: Named[int] = COUNTED
    version: Named[int] = COUNTED


class AttemptColumns(TypedColumns):
    """One row per POST, written before it; what became of it is filled in after."""

    batch_id: Named[str] = KEY
    no: Named[int] = NUMBER
    started_at: Named[float] = MOMENT
    payload_sha256: Named[str] = TEXT
    ended_at: Named[float | None] = MOMENT
    outcome: Named[str | None] = TEXT
    trace_id: Named[str | None] = TEXT
    status: Named[int | None] = WHOLE


class QuotaColumns(TypedColumns):
    """One row per account and day (UTC): recipients used, and whether the server closed the day."""

    account: Named[str] = KEY
    day: Named[str] = KEY
    used: Named[int] = WHOLE
    closed: Named[bool] = YES_OR_NO


class SuppressionColumns(TypedColumns):
    """One row per person whom our own campaigns found to be undeliverable for good."""

    rcpt_key: Named[str] = KEY
    reason: Named[str] = TEXT
    campaign: Named[str] = TEXT
    since: Named[float] = MOMENT


class RepeatColumns(TypedColumns):
    """One row per person and campaign with a bounce that suppresses only when it repeats."""

    rcpt_key: Named[str] = KEY
    campaign: Named[str] = KEY
    reason: Named[str] = TEXT
    since: Named[float] = MOMENT


class OutboxColumns(TypedColumns):
    """
    One row per message to somebody else; `body` holds the bytes as they are sent.

    `channel` is where it goes: "" for webhooks to the CRM, else a channel of `reports.toml`, whose
    messages are of no batch.
    """

    id: Named[str] = KEY
    campaign: Named[str] = TEXT
    batch_id: Named[str] = TEXT
    event: Named[str] = TEXT
    state: Named[str] = TEXT
    body: Named[bytes] = BYTES
    tries: Named[int] = WHOLE
    next_at: Named[float] = MOMENT
    lease_until: Named[float] = MOMENT
    created_at: Named[float] = MOMENT
    delivered_at: Named[float | None] = MOMENT
    last_error: Named[str] = TEXT
    channel: Named[str] = EMPTY


class AuditColumns(TypedColumns):
    """One row per entry of the audit log; `audit.Entry` says what its hash covers."""

    seq: Named[int] = NUMBER
    at: Named[float] = MOMENT
    actor: Named[str] = TEXT
    kind: Named[str] = TEXT
    body: Named[str] = TEXT
    prev: Named[str] = TEXT
    hash: Named[str] = TEXT


class AuditHeadColumns(TypedColumns):
    """The one row that says where the audit log ends."""

    id: Named[int] = NUMBER
    seq: Named[int] = WHOLE
    hash: Named[str] = TEXT


class JudgementColumns(TypedColumns):
    """
    One row per campaign verdict that was kept.

    `about` is what was judged (run, bounces, engagement), `as_of` up to which moment (null: all
    that was known), `word` the verdict's, `checks` JSON. `rules_digest` and `data_digest` say by
    which rules and of which data; `page` is where it is shown, `cost` what making it took in
    seconds (null: not measured).
    """

    id: Named[str] = KEY
    campaign: Named[str] = TEXT
    about: Named[str] = TEXT
    as_of: Named[float | None] = MOMENT
    word: Named[str] = TEXT
    checks: Named[str] = TEXT
    rules_digest: Named[str] = TEXT
    data_digest: Named[str] = TEXT
    page: Named[str] = TEXT
    cost: Named[float | None] = MEASURED
    made_at: Named[float] = MOMENT


class ReportRunColumns(TypedColumns):
    """
    One row per report of `reports.toml` and campaign ("" for a report that is about none): how its
    last run ended.

    `ran_at` is when the last page was made, of which data and by which rules (`data_digest`,
    `rules_digest`), and `page` where it is; null and "" before the first. A run that failed counts
    in `tries`, isn't tried again before `next_at`, and says why in `error`; `failing_since` is when
    the first of them in a row failed. A page that was made makes them 0, null and "".
    """

    report: Named[str] = KEY
    campaign: Named[str] = KEY
    ran_at: Named[float | None] = MOMENT
    data_digest: Named[str] = EMPTY
    rules_digest: Named[str] = EMPTY
    page: Named[str] = EMPTY
    tries: Named[int] = COUNTED
    next_at: Named[float | None] = MOMENT
    failing_since: Named[float | None] = MOMENT
    error: Named[str] = EMPTY


class SuppressionAnswerColumns(TypedColumns):
    """
    One row per account and person whom the API was asked about, until the person's batch is out.

    `reason` is why the person must not be mailed; null: the API says that the person may be.
    """

    account: Named[str] = KEY
    rcpt_key: Named[str] = KEY
    reason: Named[str | None] = TEXT
    answered_at: Named[float] = MOMENT


class ErasureColumns(TypedColumns):
    """
    One row per person who is erased: the token that stands in the place of the local part, the
    domain, and why.
    """

    rcpt_key: Named[str] = KEY
    token: Named[str] = TEXT
    domain: Named[str] = TEXT
    reason: Named[str] = TEXT
    at: Named[float] = MOMENT


class VersionColumns(TypedColumns):
    """One row per version of this schema that the database had since version 2; the last counts."""

    version: Named[int] = GIVEN_NUMBER
    at: Named[float] = MOMENT
    actor: Named[str] = TEXT


campaign = Table("campaign", TABLES, CampaignColumns)
#: Who is not mailed and why, as the plan found it; later exclusions stand in `slot.outcome`.
left_out = Table("left_out", TABLES, LeftOutColumns)
slot = Table("slot", TABLES, SlotColumns, CheckConstraint("wave between 0 and 9"))
batch = Table("batch", TABLES, BatchColumns)
attempt = Table("attempt", TABLES, AttemptColumns)
quota = Table("quota", TABLES, QuotaColumns, CheckConstraint("used >= 0"))
suppression = Table("suppression", TABLES, SuppressionColumns)
#: Kept since the last delivery to the person; the table's name is the first edition's.
repeat = Table("strike", TABLES, RepeatColumns)
outbox = Table("outbox", TABLES, OutboxColumns)
audit_entry = Table("audit", TABLES, AuditColumns)
audit_head = Table("audit_head", TABLES, AuditHeadColumns)
judgement = Table(
    "judgement", TABLES, JudgementColumns, Index("judgement_of", "campaign", "about", "made_at")
)
report_run = Table("report_run", TABLES, ReportRunColumns)
suppression_answer = Table("suppression_answer", TABLES, SuppressionAnswerColumns)
erasure = Table("erasure", TABLES, ErasureColumns)
ledger_version = Table("ledger_version", TABLES, VersionColumns)
