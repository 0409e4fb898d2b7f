"""
The POSTs of a ledger: who may send a batch, and what became of it.

The record of a POST is committed before its first byte leaves (`claim`), its answer after
(`record_outcome`). What follows where the answer is missing stands in `unknown`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from cxtools.api.outcome import PostOutcome
from cxtools.ledger.audit_log import AuditLog
from cxtools.ledger.database import Database
from cxtools.ledger.quota import Quota, close_day, refund, reserve
from cxtools.ledger.schema import attempt, batch, slot
from cxtools.ledger.states import ARROWS, OUTCOMES, AfterPost
from cxtools.ledger.transitions import move

DETAIL_LENGTH = 500


@dataclass(frozen=True)
class Claim:
    """
    The right to POST one batch once: the exact bytes, the key to send with them, and the epoch that
    fences late writers.
    """

    batch_id: str
    epoch: int
    payload: bytes = field(repr=False)
    recipients: int
    attempt_no: int
    lease_until: float
    again: bool = False

    @property
    def idempotency_key(self) -> str:
        return self.batch_id


class Posts:
    """The POSTs of one ledger; `worker` is the name under which this process claims."""

    def __init__(
        self,
        database: Database,
        audit_log: AuditLog,
        quota: Quota,
        *,
        worker: str,
        now: Callable[[], float],
    ) -> None:
        self.worker = worker
        self._database = database
        self._audit_log = audit_log
        self._quota = quota
        self._now = now

    def claim(
        self,
        batch_id: str,
        payload: bytes,
        *,
        recipients: int,
        excluded: Mapping[str, str],
        lease_s: float,
        account: str,
        limit: int | None,
    ) -> Claim | None:
        """
        Take the right to POST a batch, in one durable transaction: quota, state, lease, exact
        bytes, attempt, intent in the audit log.

        *excluded* are the batch's people who are not in the payload (key -> reason). None: another
        worker has the batch, its plan was replaced, or the day's quota can't hold it (`quota.left`
        tells).
        """
        now = self._now()
        day = self._quota.today()
        digest = hashlib.sha256(payload).hexdigest()
        columns: dict[str, Any] = {
            "owner": self.worker,
            "lease_until": now + lease_s,
            "payload": payload,
            "payload_sha256": digest,
            "recipients": recipients,
            "quota_account": account,
            "quota_day": day,
            "first_attempt_at": sa.func.coalesce(batch.c.first_attempt_at, now),
        }
        of_batch = sa.select(batch.c.epoch).filter_by(id=batch_id)
        with self._database.writing() as tx:
            epoch = tx.scalar(of_batch)
            if epoch is None:
                return None
            if not reserve(tx, account=account, day=day, count=recipients, limit=limit):
                return None
            epochs = {"epoch": epoch, "new_epoch": epoch + 1}
            if not move(tx, batch_id, "planned", "submitting", **epochs, **columns):
                tx.rollback()
                return None
            _exclude(tx, batch_id, excluded)
            attempt_no = _add_attempt(tx, batch_id, digest, now=self._now())
            self._audit_log.add(
                tx,
                "submit.intent",
                batch=batch_id,
                attempt=attempt_no,
                payload_sha256=digest,
                recipients=recipients,
                left_out=len(excluded),
                people=excluded,
            )
        return Claim(batch_id, epoch + 1, payload, recipients, attempt_no, now + lease_s)

    def claim_again(self, batch_id: str, *, within_s: float) -> Claim | None:
        """
        The right to repeat the POST of an unknown batch with its key and its frozen bytes; its
        quota is used already.

        None: its outcome isn't unknown, or *within_s* have passed since the first attempt. That is
        half of the window in which the server knows a key: its clock, and the queues before it,
        aren't ours. Who claims later fences who claimed before.
        """
        query = sa.select(
            batch.c.epoch,
            batch.c.payload,
            batch.c.payload_sha256,
            batch.c.recipients,
            batch.c.first_attempt_at,
        ).filter_by(id=batch_id, state="unknown")
        with self._database.writing() as tx:
            row = tx.execute(query).first()
            if row is None:
                return None
            epoch, payload, digest, recipients, first_attempt_at = row
            ends_at = (first_attempt_at or 0) + within_s
            if payload is None or digest is None:
                return None
            if self._now() >= ends_at:
                return None
            move(tx, batch_id, "unknown", "unknown", epoch=epoch, new_epoch=epoch + 1)
            attempt_no = _add_attempt(tx, batch_id, digest, now=self._now())
            self._audit_log.add(
                tx,
                "submit.again",
                batch=batch_id,
                attempt=attempt_no,
                payload_sha256=digest,
                recipients=recipients,
            )
        return Claim(batch_id, epoch + 1, payload, recipients, attempt_no, ends_at, again=True)

    def leave_empty(self, batch_id: str, excluded: Mapping[str, str]) -> None:
        """Close a batch in which nobody is left to mail; everyone's reason is kept."""
        with self._database.writing() as tx:
            if not move(tx, batch_id, "planned", "empty", recipients=0):
                return
            _exclude(tx, batch_id, excluded)
            self._audit_log.add(
                tx,
                "batch.empty",
                batch=batch_id,
                left_out=len(excluded),
                people=excluded,
            )

    def record_outcome(self, claim: Claim, outcome: PostOutcome) -> str:
        """
        Write what became of a claimed POST, and return the batch's state.

        What a worker that was thought dead knows still counts when it comes late; not after an
        operator's decision or a repeated POST.
        """
        after = _after(claim, outcome)
        kind: str = outcome.kind
        columns: dict[str, Any] = {"detail": outcome.detail[:DETAIL_LENGTH]}
        with self._database.writing() as tx:
            if after.state == "submitted" and _has_another_batch(tx, outcome.job_id, claim):
                kind = "unknown"
                after = OUTCOMES[kind]
                columns["detail"] = (
                    f"the API answered with job {outcome.job_id}, which is another batch's"
                )
            columns |= first_columns(after.state, outcome.job_id, now=self._now())
            if not _move_claimed(tx, claim, after.state, columns):
                self._audit_log.add(
                    tx,
                    "submit.late",
                    batch=claim.batch_id,
                    outcome=kind,
                    job_id=outcome.job_id or "",
                )
                return _state_in(tx, claim.batch_id)
            if after.refund:
                refund(tx, claim.batch_id)
            if kind == "exhausted":
                day = close_day(tx, claim.batch_id)
                self._audit_log.add(
                    tx,
                    "quota.closed",
                    batch=claim.batch_id,
                    day=day,
                )
            _end_attempt(tx, claim, kind, outcome, now=self._now())
            self._audit_log.add(
                tx,
                f"submit.{kind}",
                batch=claim.batch_id,
                job_id=outcome.job_id or "",
                status=outcome.status or 0,
                trace=outcome.trace_id,
            )
        return after.state


def first_columns(state: str, job_id: str | None, *, now: float) -> dict[str, Any]:
    """
    What a batch begins a state with: its job, or, where nothing was sent, a new window for its key.
    """
    if state == "submitted":
        return {
            "job_id": job_id,
            "submitted_at": now,
            "job_status": "queued",
        }
    if state == "planned":
        return {"first_attempt_at": None}
    return {}


def _add_attempt(tx: sa.Connection, batch_id: str, digest: str, *, now: float) -> int:
    """Write that a POST begins, and return its number."""
    last = sa.func.max(attempt.c.no)
    query = sa.select(last).filter_by(batch_id=batch_id)
    attempt_no = 1 + (tx.scalar(query) or 0)
    insert = attempt.insert().values(
        batch_id=batch_id,
        no=attempt_no,
        started_at=now,
        payload_sha256=digest,
    )
    tx.execute(insert)
    return attempt_no


def _end_attempt(
    tx: sa.Connection,
    claim: Claim,
    kind: str,
    outcome: PostOutcome,
    *,
    now: float,
) -> None:
    """Write what became of a POST."""
    claimed = attempt.update().filter_by(
        batch_id=claim.batch_id,
        no=claim.attempt_no,
    )
    ended = claimed.values(
        ended_at=now,
        outcome=kind,
        status=outcome.status,
        trace_id=outcome.trace_id,
    )
    tx.execute(ended)


def _exclude(tx: sa.Connection, batch_id: str, excluded: Mapping[str, str]) -> None:
    """Write who in a batch is left out, and that nobody else in it is."""
    # an earlier claim, of which nothing was sent, may have left out others
    slots = slot.update().filter_by(batch_id=batch_id)
    earlier = slots.where(slot.c.outcome != "")
    tx.execute(earlier.values(outcome=""))
    for key, reason in excluded.items():
        person = slots.filter_by(rcpt_key=key)
        tx.execute(person.values(outcome=reason))


def _after(claim: Claim, outcome: PostOutcome) -> AfterPost:
    kind = "not_sent" if outcome.denied else outcome.kind
    after = OUTCOMES[kind]
    if claim.again and after.state != "submitted":
        return OUTCOMES["unknown"]  # a repeated POST says nothing about the first one
    return after


def _has_another_batch(tx: sa.Connection, job_id: str | None, claim: Claim) -> bool:
    """Is this job another batch's?"""
    query = sa.select(batch.c.id).filter_by(job_id=job_id)
    another = query.where(batch.c.id != claim.batch_id)
    return tx.scalar(another) is not None


def _move_claimed(tx: sa.Connection, claim: Claim, state: str, columns: dict[str, Any]) -> bool:
    """Move a claimed batch, also where it is called unknown meanwhile."""
    if move(tx, claim.batch_id, "submitting", state, epoch=claim.epoch, **columns):
        return True
    if state not in ARROWS["unknown"]:
        return False
    return move(tx, claim.batch_id, "unknown", state, epoch=claim.epoch, **columns)


def _state_in(tx: sa.Connection, batch_id: str) -> str:
    query = sa.select(batch.c.state).filter_by(id=batch_id)
    return tx.execute(query).scalar_one()
