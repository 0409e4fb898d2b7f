"""The jobs of a ledger: how each ended, and what its events said so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from cxtools.ledger.audit import Anchor
from cxtools.ledger.audit_log import AuditLog
from cxtools.ledger.batches import COLUMNS, BatchRow
from cxtools.ledger.database import Database
from cxtools.ledger.outbox import Outbox, Webhook
from cxtools.ledger.schema import batch
from cxtools.ledger.states import AfterScan, state_after_scan
from cxtools.ledger.suppressions import Scan, Suppressions
from cxtools.ledger.transitions import move
from cxtools.model import Job

#: Scans without a new event, after which a batch may settle.
QUIET_SCANS = 2


class Jobs:
    """The jobs of one ledger."""

    def __init__(
        self,
        database: Database,
        audit_log: AuditLog,
        outbox: Outbox,
        suppressions: Suppressions,
        *,
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._audit_log = audit_log
        self._outbox = outbox
        self._suppressions = suppressions
        self._now = now

    def record_end(self, batch_id: str, job: Job) -> None:
        """
        Write a job's final state, with what it took from submission to completion on the API's own
        clock.
        """
        columns: dict[str, Any] = {
            "job_status": job.status,
            "final_at": self._now(),
            "latency_s": _latency_s(job),
            "spam_score": job.spam_score,
            "detail": "" if job.status == "completed" else f"the job ended as {job.status}",
        }
        with self._database.writing() as tx:
            if not move(tx, batch_id, "submitted", job.status, **columns):
                return
            self._audit_log.add(
                tx,
                f"job.{job.status}",
                batch=batch_id,
                job_id=job.job_id,
                delivered=job.delivered or 0,
                bounced=job.bounced or 0,
            )

    def record_scan(
        self,
        batch_id: str,
        scan: Scan,
        *,
        horizon_s: float,
        write_webhook: Callable[[int, Anchor], Webhook],
    ) -> str:
        """
        Write one complete scan of a job's events, after the events themselves are durable, and
        return the batch's state.

        Where `state_after_scan` says that the CRM is to be told, a webhook goes into the outbox:
        *write_webhook* gets the version and the audit log's head as anchor. A batch settles after
        two quiet scans behind the horizon.
        """
        with self._database.writing() as tx:
            row = BatchRow(*tx.execute(sa.select(*COLUMNS).where(batch.c.id == batch_id)).one())
            # another run may have scanned later, and written first
            events = max(scan.events, row.events)
            has_new_events = events > row.events
            after = self._write_scan(tx, row, events, horizon_s)
            suppressed = self._suppressions.add_scan(
                tx, scan, campaign=row.campaign, submitted_at=row.submitted_at or 0
            )
            self._audit_log.add(
                tx,
                "events.scanned",
                batch=batch_id,
                events=events,
                suppressed=len(suppressed),
                state=after.state,
                people=suppressed if has_new_events else None,
            )
            if after.tells_crm:
                webhook = write_webhook(row.version + 1, self._audit_log.head_in(tx))
                self._outbox.enqueue(tx, row.campaign, batch_id, webhook)
            elif after.state == "settled":
                # the webhooks that told all may be delivered already
                self._outbox.mark_synced_if_told(tx, batch_id)
        return after.state

    def _write_scan(
        self, tx: sa.Connection, row: BatchRow, events: int, horizon_s: float
    ) -> AfterScan:
        """Count a scan; the store holds *events* now. Move the batch where that leads."""
        now = self._now()
        has_new_events = events > row.events
        quiet_scans = 0 if has_new_events else row.quiet_scans + 1
        horizon_is_over = now >= (row.submitted_at or 0) + horizon_s
        after = state_after_scan(
            row.state,
            has_new_events=has_new_events,
            has_untold_events=events > row.told_events,
            is_quiet=quiet_scans >= QUIET_SCANS and horizon_is_over,
        )
        columns: dict[str, Any] = {
            "scans": row.scans + 1,
            "quiet_scans": quiet_scans,
            "scanned_at": now,
            "events": events,
        }
        if after.tells_crm:
            columns |= {"version": row.version + 1, "told_events": events}
        if after.state == row.state:
            tx.execute(batch.update().where(batch.c.id == row.id).values(**columns))
        else:
            move(tx, row.id, row.state, after.state, **columns)
        return after


def _latency_s(job: Job) -> float | None:
    if job.completed_at is None or job.created_at is None:
        return None
    return (job.completed_at - job.created_at).total_seconds()
