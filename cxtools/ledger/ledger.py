"""
The ledger: the operational truth of every campaign, in one transactional SQL database.

Rule 1: every state of a batch and every arrow between states stands in `states.ARROWS`; nothing
else changes a state. Rule 2: an arrow is one compare-and-swap (`transitions.move`) in one
transaction, together with its audit entry and its webhook. Rule 3: the record of a POST is
committed before its first byte leaves, its answer after (`posts`). Rule 4: the database, not the
code, makes a second send of one person in a wave impossible: the key of `slot`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from cxtools.ledger.answers import Answers
from cxtools.ledger.audit_log import AuditLog
from cxtools.ledger.batches import Batches
from cxtools.ledger.database import Database
from cxtools.ledger.erasures import KnownErasures
from cxtools.ledger.jobs import Jobs
from cxtools.ledger.judgements import Judgements
from cxtools.ledger.outbox import Outbox
from cxtools.ledger.plans import Plans
from cxtools.ledger.posts import Posts
from cxtools.ledger.purge import last_moments, purge
from cxtools.ledger.quota import Quota
from cxtools.ledger.report_runs import ReportRuns
from cxtools.ledger.suppressions import Suppressions
from cxtools.ledger.unknown import Unknown
from cxtools.ledger.version import open_schema
from cxtools.ledger.workers import actor_name, worker_name


class Ledger(Database):
    """
    One ledger; safe for many threads, processes and, on PostgreSQL, machines.

        plans         which campaign sends what to whom
        batches       where each batch stands
        posts         who may send a batch, and what became of it
        unknown       POSTs whose answer is not on record, and what settles them
        jobs          how each job ended, and what its events said
        quota         what is left of an account's day
        answers       what the API said of people who wait to be mailed
        suppressions  whom earlier campaigns found to be undeliverable
        erasures      who is erased
        judgements    campaign verdicts that were kept
        report_runs   how the reports of reports.toml ended
        outbox        webhooks that wait for the CRM, and messages to channels
        audit_log     who did what, when and why

    Raises:
        StoreError: the database can't be opened, read or written, or its schema is another
        version's; nothing of the refused change was kept.
    """

    def __init__(
        self,
        url: str | sa.URL,
        *,
        now: Callable[[], float],
        actor: str = "",
        home: Path | None = None,
    ) -> None:
        """
        *home* is the folder of anchors and key where *url* is not a file; each machine has its own.

        *actor* is who the audit log says did it; by default this user at this machine.
        """
        super().__init__(url)
        self.now = now
        clock = self._read_clock
        folder = self.file.parent if self.file else home
        self.actor = actor or actor_name()
        self.audit_log = AuditLog(self, home=folder, actor=self.actor, now=clock)
        self.plans = Plans(self, self.audit_log, folder=folder, now=clock)
        self.batches = Batches(self)
        self.quota = Quota(self, now=clock)
        self.posts = Posts(self, self.audit_log, self.quota, worker=worker_name(), now=clock)
        self.unknown = Unknown(self, self.audit_log, me=self._read_worker, now=clock)
        self.answers = Answers(self)
        self.suppressions = Suppressions(self, self.audit_log, now=clock)
        self.erasures = KnownErasures(self, self.audit_log, now=clock)
        self.judgements = Judgements(self, now=clock)
        self.report_runs = ReportRuns(self)
        self.outbox = Outbox(self, self.audit_log, now=clock)
        self.jobs = Jobs(self, self.audit_log, self.outbox, self.suppressions, now=clock)
        open_schema(self, actor=self.actor, now=clock)

    def purge(self, name: str) -> None:
        """
        Delete what a campaign holds of people: what was sent to whom, the bytes of its POSTs, the
        bodies of its webhooks. Who was in it stays by key, and so do its counts.
        """
        purge(self, self.audit_log, name)

    def last_moments(self) -> dict[str, float]:
        """
        When something was last done for each campaign of which the ledger still holds people's
        data.
        """
        return last_moments(self)

    def _read_worker(self) -> str:
        return self.posts.worker

    def _read_clock(self) -> float:
        """Read anew each time: a clock put in its place later is then its parts' clock, too."""
        return self.now()
