"""
Unknown outcomes: POSTs whose answer is not on record, and what settles them.

A batch whose outcome is unknown is never planned again by itself. The answer settles it when it
comes late (`posts.record_outcome`), so does a repeated POST where the server knows the key
(`posts.claim_again`), an event that carries the batch's tag, or an operator's word.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa

from cxtools import wording
from cxtools.errors import ConfigError
from cxtools.ledger.audit_log import AuditLog
from cxtools.ledger.batches import BatchRow
from cxtools.ledger.database import Database
from cxtools.ledger.posts import first_columns
from cxtools.ledger.quota import refund
from cxtools.ledger.schema import attempt, batch
from cxtools.ledger.transitions import move
from cxtools.ledger.workers import is_gone
from cxtools.text import safe_line

#: Why the outcome of an orphan is unknown.
ORPHANED = "the worker ended before it could record the answer"
#: Seconds for which a worker that was paused may still post what is said to be not sent.
QUARANTINE_S = 24 * 3600.0
REASON_LENGTH = 300


class Unknown:
    """The unknown outcomes of one ledger, as the worker *me* sees them."""

    def __init__(
        self,
        database: Database,
        audit_log: AuditLog,
        *,
        me: Callable[[], str],
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._audit_log = audit_log
        self._me = me
        self._now = now

    def recover(self) -> int:
        """
        Turn POSTs whose worker ended into unknown outcomes, and return how many; never back into
        `planned`.
        """
        posting = sa.select(
            batch.c.id,
            batch.c.epoch,
            batch.c.owner,
            batch.c.lease_until,
        ).filter_by(state="submitting")
        recovered = 0
        with self._database.writing() as tx:
            for batch_id, epoch, owner, lease_until in tx.execute(posting).all():
                if not self._is_gone(owner, lease_until):
                    continue
                if move(tx, batch_id, "submitting", "unknown", epoch=epoch, detail=ORPHANED):
                    self._audit_log.add(tx, "submit.unknown", batch=batch_id, why="worker ended")
                    recovered += 1
        return recovered

    def is_orphan(self, row: BatchRow) -> bool:
        """
        Was this batch left `submitting` by a worker that is gone? Its outcome is unknown, whatever
        its state says yet.
        """
        return row.state == "submitting" and self._is_gone(row.owner, row.lease_until)

    def _is_gone(self, owner: str | None, lease_until: float | None) -> bool:
        return is_gone(owner or "", lease_until or 0, me=self._me(), now=self._now())

    def reconcile(
        self,
        batch_id: str,
        *,
        job_id: str = "",
        abandon: bool = False,
        reason: str = "",
        quarantine_s: float = QUARANTINE_S,
    ) -> str:
        """
        Settle an unknown outcome, by an operator's word or by evidence, and return the batch's new
        state.

        It became *job_id*, or is given up (*abandon*), or was not sent: then it is planned again.

        Raises:
            ConfigError: no such batch, its outcome isn't unknown, or it is too early to call it not
            sent.
        """
        self.recover()
        state = _settled_state(job_id, abandon=abandon)
        query = sa.select(batch.c.epoch).filter_by(id=batch_id, state="unknown")
        with self._database.writing() as tx:
            epoch = tx.scalar(query)
            if epoch is None:
                raise ConfigError(
                    f"batch {batch_id} has no unknown outcome",
                    do="`cxtools status` lists the batches that have",
                )
            if state == "planned":
                self._refuse_in_quarantine(tx, batch_id, quarantine_s)
            if job_id:
                _refuse_job_of_another(tx, batch_id, job_id)
            columns = first_columns(state, job_id, now=self._now())
            move(tx, batch_id, "unknown", state, epoch=epoch, new_epoch=epoch + 1, **columns)
            if state == "planned":
                refund(tx, batch_id)
            self._audit_log.add(
                tx,
                "batch.reconciled",
                batch=batch_id,
                state=state,
                job_id=job_id,
                reason=safe_line(reason, REASON_LENGTH),
            )
        self._audit_log.append_anchor()
        return state

    def _refuse_in_quarantine(self, tx: sa.Connection, batch_id: str, quarantine_s: float) -> None:
        last = sa.func.max(attempt.c.started_at)
        query = sa.select(last).filter_by(batch_id=batch_id)
        ends_at = (tx.scalar(query) or 0) + quarantine_s
        if self._now() < ends_at:
            raise ConfigError(
                "too early to say that it was not sent: a worker that was paused may still post",
                where=f"batch {batch_id}",
                do=f"wait until {wording.moment_text(datetime.fromtimestamp(ends_at, UTC))}, "
                "or give the job's id",
            )


def _settled_state(job_id: str, *, abandon: bool) -> str:
    if job_id:
        return "submitted"
    return "abandoned" if abandon else "planned"


def _refuse_job_of_another(tx: sa.Connection, batch_id: str, job_id: str) -> None:
    query = sa.select(batch.c.id).filter_by(job_id=job_id)
    other = tx.scalar(query.where(batch.c.id != batch_id))
    if other is not None:
        raise ConfigError(
            f"job {job_id} is batch {other}'s",
            where=f"batch {batch_id}",
            do="look the job's id up once more",
        )
