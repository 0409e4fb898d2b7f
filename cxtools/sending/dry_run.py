"""What a send would do, as far as is known without asking the API; nothing is written."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cxtools import wording
from cxtools.errors import ConfigError
from cxtools.ledger.ledger import Ledger
from cxtools.model import LeftOut
from cxtools.sending.campaign import Campaign
from cxtools.sending.plan import wrong_rows
from cxtools.sending.status import over_limit
from cxtools.settings import Settings

#: Left-out rows that a text names; a document names all.
ROWS_SHOWN = 20


@dataclass(frozen=True)
class DryRun:
    """
    A plan that was not written.

        batches      recipients of each batch
        left_out     rows that would not be mailed, with line, masked address and reason
        over_limit   people who would not be mailed today, by the daily limit
        waiting      people of a campaign that was planned before who still wait; None where it
                     wasn't planned before
        notes        what else the user should know about the list
    """

    campaign: str
    batches: list[int]
    left_out: list[LeftOut]
    over_limit: int
    waiting: int | None
    notes: list[str] = field(default_factory=list)

    @property
    def planned(self) -> int:
        return sum(self.batches)

    def to_dict(self) -> dict[str, Any]:
        """The document that `--json` prints: a status, of a campaign that is not planned yet."""
        return {
            "campaign": self.campaign,
            "state": "dry_run",
            "recipients": self._recipients(),
            "batches": [_batch_document(size) for size in self.batches],
            "left_out": [_row_document(row) for row in self.left_out],
            "warnings": self.notes,
        }

    def _recipients(self) -> dict[str, int]:
        reasons = Counter(row.reason for row in self.left_out)
        counts = {
            "rows": self.planned + reasons.total(),
            "invalid": reasons["invalid"],
            "duplicates": reasons["duplicate"],
            "over_limit": self.over_limit,
            "planned": self.planned,
        }
        if self.waiting is not None:
            counts["waiting"] = self.waiting
        return counts

    def __str__(self) -> str:
        lines = [
            f"{self.campaign}: {self._plan_text()}; "
            f"{self._limit_text()}"
            f"{wording.count(len(self.left_out))} rows left out; nothing was sent"
        ]
        for row in self.left_out[:ROWS_SHOWN]:
            place = f"  line {row.line}: {row.masked}"
            lines.append(f"{place} {row.reason}, {row.detail}")
        hidden = len(self.left_out) - ROWS_SHOWN
        if hidden > 0:
            lines.append(f"  … and {wording.count(hidden)} more")
        lines += [f"warning: {note}" for note in self.notes]
        return "\n".join(lines)

    def _plan_text(self) -> str:
        people = f"{wording.count(self.planned)} people"
        if self.waiting is None:
            return f"would mail {people} in {len(self.batches)} batches"
        waiting = wording.count(self.waiting)
        return f"was planned before; would mail the {waiting} of {people} who still wait"

    def _limit_text(self) -> str:
        if not self.over_limit:
            return ""
        return f"{wording.count(self.over_limit)} of them not today, by the daily limit; "


def _batch_document(size: int) -> dict[str, Any]:
    return {"batch": None, "wave": 0, "recipients": size, "state": "dry_run", "job_id": None}


def _row_document(row: LeftOut) -> dict[str, Any]:
    return {"line": row.line, "email": row.masked, "reason": row.reason, "detail": row.detail}


def batch_sizes(people: int, size: int) -> list[int]:
    """
    Recipients of each batch when *people* are sent in batches of *size*.

    >>> batch_sizes(2100, 1000), batch_sizes(0, 1000)
    ([1000, 1000, 100], [])
    """
    return [min(size, people - start) for start in range(0, people, size)]


@dataclass(frozen=True)
class Standing:
    """
    What is known of a campaign before it is planned, and of the day.

        digest       the content under which it was planned; None: it never was
        started      something of it was sent, or may have been
        waiting      recipients of each batch that waits to be sent
        quota_left   recipients that may still be sent today
    """

    digest: str | None
    started: bool
    waiting: Sequence[int]
    quota_left: float


def read_standing(ledger: Ledger | None, campaign: Campaign, settings: Settings) -> Standing:
    """What the ledger knows of a campaign; *ledger* is None where there is none yet."""
    cap = settings.daily_cap(campaign.spec.limits.daily)
    if ledger is None:
        return Standing(None, False, (), math.inf if cap is None else cap)
    return Standing(
        digest=ledger.plans.digest(campaign.name),
        started=not ledger.plans.is_unsent(campaign.name),
        waiting=[row.recipients for row in ledger.batches.rows(campaign.name, ["planned"])],
        quota_left=ledger.quota.left(settings.account, cap),
    )


def dry_run(
    campaign: Campaign,
    standing: Standing,
    *,
    batch_size: int,
    skip_invalid: bool = False,
) -> DryRun:
    """
    The plan of a campaign as it would be sent now; the list is read once.

    Raises:
        ConfigError: what sending would refuse: rows are wrong, or other content was sent under the
            same name.
    """
    review = campaign.review()
    if standing.started and standing.digest != review.digest:
        raise ConfigError(
            f"campaign {campaign.name!r} exists with other content",
            do="give the changed campaign a new name",
        )
    invalid = [row for row in review.left_out if row.reason == "invalid"]
    if invalid and not skip_invalid:
        raise wrong_rows(invalid, len(invalid))
    batches = batch_sizes(review.people, batch_size)
    if standing.digest != review.digest:
        # Also another plan, of which nothing was sent: it would be replaced.
        over = over_limit(batches, standing.quota_left)
        return DryRun(campaign.name, batches, review.left_out, over, None, review.notes)
    over = over_limit(standing.waiting, standing.quota_left)
    waiting = sum(standing.waiting)
    return DryRun(campaign.name, batches, review.left_out, over, waiting, review.notes)
