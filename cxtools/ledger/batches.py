"""The batches of a ledger, read: where each stands, whom it was planned for, who was left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import sqlalchemy as sa

from cxtools.errors import StoreError
from cxtools.ledger.database import Database, in_groups
from cxtools.ledger.people import unpack_people
from cxtools.ledger.schema import batch, campaign, left_out, slot
from cxtools.ledger.states import SUBMITTED
from cxtools.model import Recipient


@dataclass(frozen=True)
class BatchRow:
    """
    One batch, without what is sent.

    Moments are Unix time in seconds. `owner` and `lease_until` are of the worker that claimed it
    last; `job_id`, `job_status` and `submitted_at` are None until the API took it, `latency_s` and
    `spam_score` where the API gives none. `events` are in the store, the CRM was told of
    `told_events`, by `version` webhooks.
    """

    id: str
    campaign: str
    wave: int
    ordinal: int
    recipients: int
    state: str
    detail: str
    payload_sha256: str | None
    epoch: int
    owner: str | None
    lease_until: float | None
    quota_account: str | None
    quota_day: str | None
    job_id: str | None
    job_status: str | None
    latency_s: float | None
    spam_score: float | None
    first_attempt_at: float | None
    submitted_at: float | None
    final_at: float | None
    scanned_at: float | None
    events: int
    told_events: int
    scans: int
    quiet_scans: int
    version: int

    @property
    def job(self) -> str:
        """
        The id of its job.

        Raises:
            StoreError: it has none; in the states of SUBMITTED every batch has one.
        """
        if self.job_id is None:
            raise StoreError(
                f"a batch that is {self.state} has no job",
                where=f"batch {self.id}",
                do="this is a bug: please report it",
            )
        return self.job_id


class JobFacts(NamedTuple):
    """A job, the seconds until it was done, and its spam score: None where the API gives none."""

    job_id: str
    latency_s: float | None
    spam_score: float | None


COLUMNS = [batch.c[column.name] for column in fields(BatchRow)]
#: word of `counts` -> the states of the batches whose people it counts
COUNTED = {
    "submitted": SUBMITTED,
    "rejected": ("rejected",),
    "unknown": ("unknown", "submitting"),
    "waiting": ("planned",),
}


class Batches:
    """The batches of one ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(
        self,
        name: str | None = None,
        states: Sequence[str] = (),
    ) -> list[BatchRow]:
        """One row per batch, of one campaign or all, in order of wave and ordinal."""
        query = sa.select(*COLUMNS).order_by(
            batch.c.campaign,
            batch.c.wave,
            batch.c.ordinal,
        )
        if name:
            query = query.filter_by(campaign=name)
        if states:
            query = query.where(batch.c.state.in_(states))
        rows = self._database.rows(query)
        return [BatchRow(*row) for row in rows]

    def job_facts(self) -> list[JobFacts]:
        """What the API told of each job, of all campaigns."""
        query = sa.select(batch.c.job_id, batch.c.latency_s, batch.c.spam_score)
        rows = self._database.rows(query)
        return [JobFacts(job, latency_s, score) for job, latency_s, score in rows if job]

    def candidates(self, batch_id: str) -> list[Recipient]:
        """The people that a batch was planned for; nobody where its plan was replaced."""
        query = sa.select(batch.c.candidates).filter_by(id=batch_id)
        people: list[Recipient] = []
        for (packed,) in self._database.rows(query):
            people += unpack_people(packed)
        return people

    def excluded(self, batch_id: str) -> dict[str, str]:
        """Who in a batch was left out when it went out: key -> reason."""
        slots = sa.select(slot.c.rcpt_key, slot.c.outcome).filter_by(batch_id=batch_id)
        excluded = slots.where(slot.c.outcome != "")
        return dict(self._database.rows(excluded))

    def of_people(self, keys: Iterable[str]) -> list[str]:
        """The ids of the batches that were planned for any of these people."""
        ids: dict[str, None] = {}
        for group in in_groups(keys):
            query = sa.select(slot.c.batch_id).where(slot.c.rcpt_key.in_(group))
            for (batch_id,) in self._database.rows(query.distinct()):
                ids[batch_id] = None
        return list(ids)

    def keys(self, batch_id: str) -> set[str]:
        """The keys of all people that a batch was planned for, of those who are erased, too."""
        query = sa.select(slot.c.rcpt_key).filter_by(batch_id=batch_id)
        return {key for (key,) in self._database.rows(query)}

    def with_left_out(self, name: str) -> list[BatchRow]:
        """The batches of a campaign that left somebody out when they went out."""
        was_left_out = slot.c.outcome != ""
        ids = sa.select(slot.c.batch_id).filter_by(campaign=name).where(was_left_out)
        found = {batch_id for (batch_id,) in self._database.rows(ids.distinct())}
        return [row for row in self.rows(name) if row.id in found]

    def counts(self, name: str) -> dict[str, int]:
        """
        People of a campaign by what became of them, each once whatever the waves.

            rows        of the list
            invalid, duplicates   left out by the plan
            planned     in a batch of the first wave
            suppressed  left out when their batch went out
            submitted   the API took their batch
            rejected    the API refused it
            unknown     whether it was sent is not known
            waiting     nothing was sent to them yet
        """
        reasons = sa.select(
            left_out.c.reason,
            sa.func.count(),
        ).filter_by(campaign=name)
        person = sa.distinct(slot.c.rcpt_key)
        people = sa.select(sa.func.count(person)).where(slot.c.campaign == name)
        was_left_out = slot.c.outcome != ""
        was_mailed = slot.c.outcome == ""
        in_first_wave = slot.c.wave == 0
        in_batches = people.join(batch, batch.c.id == slot.c.batch_id)
        rows = sa.select(campaign.c.rows).filter_by(name=name)
        with self._database.reading() as tx:
            grouped = tx.execute(reasons.group_by(left_out.c.reason))
            by_reason = dict(grouped.all())
            counts = {
                "rows": _count(tx, rows),
                "invalid": by_reason.get("invalid", 0),
                "duplicates": by_reason.get("duplicate", 0),
                "suppressed": _count(tx, people.where(was_left_out)),
                "planned": _count(tx, people.where(in_first_wave)),
            }
            for word, states in COUNTED.items():
                is_counted = batch.c.state.in_(states)
                mailed = in_batches.where(was_mailed, is_counted)
                counts[word] = _count(tx, mailed)
        return counts


def _count(tx: sa.Connection, query: sa.Select[int]) -> int:
    return tx.scalar(query) or 0
