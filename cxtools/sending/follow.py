"""Follow jobs to their end: one look at each, again and again, less and less often."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from cxtools.context import Context
from cxtools.errors import CxError, Refused
from cxtools.ledger.batches import BatchRow
from cxtools.model import Job

#: Seconds before the second look at a job, growth with each further look, and the longest wait.
POLL_FIRST_S = 0.25
POLL_GROWTH = 1.6
POLL_CAP_S = 60.0
#: Looks after which the wait grows no more; larger powers would overflow a float.
POLLS_COUNTED = 40
#: A job may be unknown for this long after its submission, while the API's replicas catch up.
LAG_S = 60.0


def poll_wait_s(polls: int, *, rng: random.Random) -> float:
    """
    Seconds before the next look at a job that was looked at *polls* times: short at first, then
    growing, with jitter.

    >>> [round(poll_wait_s(n, rng=random.Random(7)), 2) for n in (0, 1, 5, 50)]
    [0.23, 0.37, 2.44, 55.77]
    """
    growing_s = POLL_FIRST_S * POLL_GROWTH ** min(polls, POLLS_COUNTED)
    return min(growing_s, POLL_CAP_S) * rng.uniform(0.8, 1.2)


@dataclass(eq=False)
class WatchedJob:
    """A submitted batch whose job is looked at when it is due."""

    row: BatchRow
    due_at: float
    polls: int = 0

    def delay(self, context: Context) -> None:
        """Count a look, and set the next one."""
        self.polls += 1
        pause_s = poll_wait_s(self.polls, rng=context.rng)
        self.due_at = context.now() + pause_s


def follow(context: Context, name: str | None = None) -> list[str]:
    """
    Poll all submitted jobs at once until each is final, and return the batches that were not in
    time.

    Those stay `submitted`: the same command goes on waiting for them. A job that can't be asked for
    doesn't hold up the others; its error is raised when they are done.
    """
    began = context.now()
    deadline = began + context.settings.job_deadline_s
    submitted = context.ledger.batches.rows(name, ["submitted"])
    watched = [WatchedJob(row, began) for row in submitted]
    late: list[str] = []
    failed: list[CxError] = []
    with (
        context.progress(len(watched), "jobs") as bar,
        ThreadPoolExecutor(context.settings.workers) as pool,
    ):
        while watched:
            due = [job for job in watched if job.due_at <= context.now()]
            looks = pool.map(partial(_look, context), due)
            for job, seen in zip(due, looks, strict=True):
                job.delay(context)
                if isinstance(seen, Job):
                    context.ledger.jobs.record_end(job.row.id, seen)
                elif isinstance(seen, CxError):
                    failed.append(seen)
                elif context.now() < deadline:
                    continue
                else:
                    late.append(job.row.id)
                watched.remove(job)
                bar.update()
            _sleep_until_due(context, watched)
    if failed:
        raise failed[0]
    return late


def _look(context: Context, job: WatchedJob) -> Job | CxError | None:
    """The job if it is final, None while it isn't, or why it can't be known."""
    try:
        seen = context.api.fetch_job(job.row.job)
    except Refused as error:
        young = context.now() < (job.row.submitted_at or 0) + LAG_S
        return None if error.status == HTTPStatus.NOT_FOUND and young else error
    except CxError as error:
        return error
    return seen if seen.final else None


def _sleep_until_due(context: Context, watched: list[WatchedJob]) -> None:
    if watched:
        due_at = min(job.due_at for job in watched)
        context.sleep(max(0.01, due_at - context.now()))
