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


class CampaignColumns(TypedColumns):
    """One row per campaign."""

    name: Named[str] = Column(Text, primary_key=True)
    digest: Named[str] = Column(Text)
    spec: Named[str] = Column(Text)
    account: Named[str] = Column(Text)
    rows: Named[int] = Column(Integer)
    created_at: Named[float] = Column(Float)


class LeftOutColumns(TypedColumns):
    """One row per row of a list that nobody is mailed for, and why."""

    campaign: Named[str] = Column(Text, primary_key=True)
    line: Named[int] = Column(Integer, primary_key=True)
    reason: Named[str] = Column(Text)
    detail: Named[str] = Column(Text)
    masked: Named[str] = Column(Text)


class SlotColumns(TypedColumns):
    """One row per person and wave; `outcome` is why the person was left out when it went out."""

    campaign: Named[str] = Column(Text, primary_key=True)
    wave: Named[int] = Column(Integer, primary_key=True)
    rcpt_key: Named[str] = Column(Text, primary_key=True)
    batch_id: Named[str] = Column(Text, index=True)
    outcome: Named[str] = Column(Text, default="")


class BatchColumns(TypedColumns):
    """One row per batch: its plan, its POST, its job, its events."""

    id: Named[str] = Column(Text, primary_key=True)
    campaign: Named[str] = Column(Text, index=True)
    wave: Named[int] = Column(Integer)
    ordinal: Named[int] = Column(Integer)
    recipients: Named[int] = Column(Integer)
    state: Named[str] = Column(Text)
    detail: Named[str] = Column(Text, default="")
    candidates: Named[bytes] = Column(LargeBinary)
    payload: Named[bytes | None] = Column(LargeBinary)
    payload_sha256: Named[str | None] = Column(Text)
    epoch: Named[int] = Column(Integer, default=0)
    owner: Named[str | None] = Column(Text)
    lease_until: Named[float | None] = Column(Float)
    quota_account: Named[str | None] = Column(Text)
    quota_day: Named[str | None] = Column(Text)
    job_id: Named[str | None] = Column(Text, unique=True)
    job_status: Named[str | None] = Column(Text)
    latency_s: Named[float | None] = Column(Float)
    spam_score: Named[float | None] = Column(Float)
    first_attempt_at: Named[float | None] = Column(Float)
    submitted_at: Named[float | None] = Column(Float)
    final_at: Named[float | None] = Column(Float)
    scanned_at: Named[float | None] = Column(Float)
    events: Named[int] = Column(Integer, default=0)
    told_events: Named[int] = Column(Integer, default=0)
    scans: Named[int] = Column(Integer, default=0)
    quiet_scans: Named[int] = Column(Integer, default=0)
    version: Named[int] = Column(Integer, default=0)


class AttemptColumns(TypedColumns):
    """One row per POST, written before it; what became of it is filled in after."""

    batch_id: Named[str] = Column(Text, primary_key=True)
    no: Named[int] = Column(Integer, primary_key=True)
    started_at: Named[float] = Column(Float)
    payload_sha256: Named[str] = Column(Text)
    ended_at: Named[float | None] = Column(Float)
    outcome: Named[str | None] = Column(Text)
    trace_id: Named[str | None] = Column(Text)
    status: Named[int | None] = Column(Integer)


class QuotaColumns(TypedColumns):
    """One row per account and day (UTC): recipients used, and whether the server closed the day."""

    account: Named[str] = Column(Text, primary_key=True)
    day: Named[str] = Column(Text, primary_key=True)
    used: Named[int] = Column(Integer)
    closed: Named[bool] = Column(Boolean)


class SuppressionColumns(TypedColumns):
    """One row per person whom our own campaigns found to be undeliverable for good."""

    rcpt_key: Named[str] = Column(Text, primary_key=True)
    reason: Named[str] = Column(Text)
    campaign: Named[str] = Column(Text)
    since: Named[float] = Column(Float)


class RepeatColumns(TypedColumns):
    """One row per person and campaign with a bounce that suppresses only when it repeats."""

    rcpt_key: Named[str] = Column(Text, primary_key=True)
    campaign: Named[str] = Column(Text, primary_key=True)
    reason: Named[str] = Column(Text)
    since: Named[float] = Column(Float)


class OutboxColumns(TypedColumns):
    """One row per webhook; `body` holds the bytes as they are sent."""

    id: Named[str] = Column(Text, primary_key=True)
    campaign: Named[str] = Column(Text)
    batch_id: Named[str] = Column(Text)
    event: Named[str] = Column(Text)
    state: Named[str] = Column(Text)
    body: Named[bytes] = Column(LargeBinary)
    tries: Named[int] = Column(Integer)
    next_at: Named[float] = Column(Float)
    lease_until: Named[float] = Column(Float)
    created_at: Named[float] = Column(Float)
    delivered_at: Named[float | None] = Column(Float)
    last_error: Named[str] = Column(Text)


class AuditColumns(TypedColumns):
    """One row per entry of the audit log; `audit.Entry` says what its hash covers."""

    seq: Named[int] = Column(Integer, primary_key=True)
    at: Named[float] = Column(Float)
    actor: Named[str] = Column(Text)
    kind: Named[str] = Column(Text)
    body: Named[str] = Column(Text)
    prev: Named[str] = Column(Text)
    hash: Named[str] = Column(Text)


class AuditHeadColumns(TypedColumns):
    """The one row that says where the audit log ends."""

    id: Named[int] = Column(Integer, primary_key=True)
    seq: Named[int] = Column(Integer)
    hash: Named[str] = Column(Text)


class JudgementColumns(TypedColumns):
    """
    One row per campaign verdict that was kept.

    `about` is what was judged (run, bounces, engagement), `as_of` up to which moment (null: all
    that was known), `word` the verdict's, `checks` JSON. `rules_digest` and `data_digest` say by
    which rules and of which data; `page` is where it is shown, `cost` what making it took in
    seconds (null: not measured).
    """

    id: Named[str] = Column(Text, primary_key=True)
    campaign: Named[str] = Column(Text)
    about: Named[str] = Column(Text)
    as_of: Named[float | None] = Column(Float)
    word: Named[str] = Column(Text)
    checks: Named[str] = Column(Text)
    rules_digest: Named[str] = Column(Text)
    data_digest: Named[str] = Column(Text)
    page: Named[str] = Column(Text)
    cost: Named[float | None] = Column(Float)
    made_at: Named[float] = Column(Float)


class VersionColumns(TypedColumns):
    """One row per version of this schema that the database had since version 2; the last counts."""

    version: Named[int] = Column(Integer, primary_key=True, autoincrement=False)
    at: Named[float] = Column(Float)
    actor: Named[str] = Column(Text)


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
ledger_version = Table("ledger_version", TABLES, VersionColumns)
