"""
The two times of a world.

*Virtual* time is what answers say: the epoch, plus what `advance` added; it never looks at a clock,
so two runs tell the same story. *Real* time (`now`, seconds, monotonic) only decides how much of
the story can be seen yet: age = seconds since the POST x speed, plus what was advanced since.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from cxtools.simulator.jobs import Job
from cxtools.simulator.setup import Setup

#: Jobs end in 0.3 to 1.5 real seconds, also when days pass in seconds.
JOB_SPEED = 400.0


class Clock:
    """Virtual time: where it stands, and how old a job is by it."""

    def __init__(self, setup: Setup) -> None:
        self.epoch = datetime.fromisoformat(setup.epoch).astimezone(UTC)
        self.speed = setup.speed
        self.offset_s = 0.0

    def advance(self, seconds: float) -> float:
        """Let virtual time pass; everything older than it becomes visible."""
        self.offset_s += seconds
        return self.offset_s

    def created_at(self, job: Job) -> datetime:
        return self.epoch + timedelta(seconds=job.offset_s)

    def ended_at(self, job: Job) -> datetime:
        return self.created_at(job) + timedelta(seconds=job.latency_s)

    def event_age_s(self, job: Job, now: float) -> float:
        """How old a job is where its events are seen."""
        return self._age_s(job, now, self.speed)

    def progress(self, job: Job, now: float) -> float:
        """How far a job has got, as a share."""
        speed = self.speed
        if speed != math.inf:
            speed = min(speed, JOB_SPEED)
        age_s = self._age_s(job, now, speed)
        return min(1.0, age_s / job.latency_s)

    def _age_s(self, job: Job, now: float, speed: float) -> float:
        if speed == math.inf:
            return math.inf
        seen_s = (now - job.accepted_at) * speed
        advanced_s = self.offset_s - job.offset_s
        return seen_s + advanced_s
