"""
The tables of the ledger, and the two statements that ledger and outbox share. Moments are Unix time
in seconds; a column that may be null says so with `maybe`.

The keys are the promises: one person once per wave (`slot`), one job per batch (`batch.job_id`),
one row per POST, written before it (`attempt`), one quota per account and day.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    select,
)

from cxtools.errors import StoreError
from cxtools.ledger.states import ARROWS

TABLES = MetaData()


def _columns(kind: Any, names: str, **facts: Any) -> list[Column[Any]]:
    return [Column(name, kind, **{"nullable": False, **facts}) for name in names.split()]


def key(names: str, kind: Any = Text) -> list[Column[Any]]:
    return _columns(kind, names, primary_key=True)


def text(names: str, **facts: Any) -> list[Column[Any]]:
    return _columns(Text, names, **facts)


def whole(names: str, **facts: Any) -> list[Column[Any]]:
    return _columns(Integer, names, **facts)


def moments(names: str, **facts: Any) -> list[Column[Any]]:
    return _columns(Float, names, **facts)


def maybe(kind: Any, names: str) -> list[Column[Any]]:
    return _columns(kind, names, nullable=True)


campaign = Table(
    "campaign",
    TABLES,
    *key("name"),
    *text("digest spec account"),
    *whole("rows"),
    *moments("created_at"),
)
#: Who is not mailed and why, as the plan found it; later exclusions stand in `slot.outcome`.
left_out = Table(
    "left_out", TABLES, *key("campaign"), *key("line", Integer), *text("reason detail masked")
)
slot = Table(
    "slot",
    TABLES,
    *key("campaign"),
    *key("wave", Integer),
    *key("rcpt_key"),
    *text("batch_id", index=True),
    *text("outcome", default=""),
    CheckConstraint("wave between 0 and 9"),
)
batch = Table(
    "batch",
    TABLES,
    *key("id"),
    *text("campaign", index=True),
    *whole("wave ordinal recipients"),
    *text("state"),
    *text("detail", default=""),
    Column("candidates", LargeBinary, nullable=False),
    *maybe(LargeBinary, "payload"),
    *maybe(Text, "payload_sha256"),
    *whole("epoch", default=0),
    *maybe(Text, "owner"),
    *maybe(Float, "lease_until"),
    *maybe(Text, "quota_account quota_day"),
    Column("job_id", Text, unique=True),
    *maybe(Text, "job_status"),
    *maybe(Float, "latency_s spam_score"),
    *maybe(Float, "first_attempt_at submitted_at final_at scanned_at"),
    *whole("events told_events scans quiet_scans version", default=0),
)
attempt = Table(
    "attempt",
    TABLES,
    *key("batch_id"),
    *key("no", Integer),
    *moments("started_at"),
    *text("payload_sha256"),
    *maybe(Float, "ended_at"),
    *maybe(Text, "outcome trace_id"),
    *maybe(Integer, "status"),
)
quota = Table(
    "quota",
    TABLES,
    *key("account day"),
    *whole("used"),
    Column("closed", Boolean, nullable=False),
    CheckConstraint("used >= 0"),
)
#: Permanent bounces of our own campaigns.
suppression = Table(
    "suppression", TABLES, *key("rcpt_key"), *text("reason campaign"), *moments("since")
)
#: Bounces that suppress only when they repeat: one row per person and campaign since the last
#: delivery to that person.
strike = Table("strike", TABLES, *key("rcpt_key campaign"), *text("reason"), *moments("since"))
outbox = Table(
    "outbox",
    TABLES,
    *key("id"),
    *text("campaign batch_id event state"),
    Column("body", LargeBinary, nullable=False),
    *whole("tries"),
    *moments("next_at lease_until created_at"),
    *maybe(Float, "delivered_at"),
    *text("last_error"),
)
trail = Table(
    "audit", TABLES, *key("seq", Integer), *moments("at"), *text("actor kind body prev hash")
)
head = Table("audit_head", TABLES, *key("id", Integer), *whole("seq"), *text("hash"))


def move(
    tx: Connection,
    batch_id: str,
    source: str,
    state: str,
    *,
    epoch: int | None = None,
    new_epoch: int | None = None,
    **facts: Any,
) -> bool:
    """
    The compare-and-swap by which alone a batch changes its state; one that is no longer in *source*
    or *epoch* stays as it is.
    """
    if state not in ARROWS[source]:
        raise StoreError(
            f"a batch can't go from {source} to {state}",
            where=f"batch {batch_id}",
            do="this is a bug: please report it",
        )
    where = [
        batch.c.id == batch_id,
        batch.c.state == source,
        *([batch.c.epoch == epoch] if epoch is not None else []),
    ]
    facts |= {"epoch": new_epoch} if new_epoch is not None else {}
    return tx.execute(batch.update().where(*where).values(state=state, **facts)).rowcount == 1


def account_of(tx: Connection, name: str) -> str:
    """The account that a campaign goes out by; "" where the ledger doesn't know."""
    return tx.scalar(select(campaign.c.account).where(campaign.c.name == name)) or ""
