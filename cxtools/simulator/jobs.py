"""The job that an accepted submit becomes, and how far it has got."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cxtools.simulator.dice import dice, draw_seconds
from cxtools.simulator.nature import CURVES

#: Up to this share of its time a job is queued, then processing.
QUEUED = 0.15


@dataclass
class Job:
    """
    One accepted POST, and when it was accepted, in real seconds and in virtual seconds since the
    epoch.
    """

    job_id: str
    order: dict[str, Any]
    body_sha256: str = ""
    idempotency_key: str = ""
    #: how often each recipient had got this letter before
    nths: list[int] = field(default_factory=list)
    accepted_at: float = 0.0
    offset_s: float = 0.0
    ending: str = "completed"

    @property
    def latency_s(self) -> float:
        """Virtual seconds from its POST to its end."""
        rng = dice("latency", self.job_id)
        return round(draw_seconds(CURVES["latency"], rng), 1)

    @property
    def reached(self) -> int:
        """How many recipients were sent to: a job that fails or is cancelled got half way."""
        count = len(self.order["recipients"])
        return count // 2 if self.ending in ("failed", "cancelled") else count

    def status(self, progress: float) -> str:
        """The word for a job that has gone so far (share 0..1)."""
        if self.ending == "odd":
            return "COMPLETED" if progress >= 1 else "AWAITING_REVIEW"
        if progress < 1 or self.ending == "never":
            return "queued" if progress < QUEUED else "processing"
        return self.ending
