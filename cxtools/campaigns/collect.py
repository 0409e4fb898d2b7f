"""Follow jobs to their end, and bring all their events home: now, and again later for the late ones."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cxtools.bounces import classify
from cxtools.campaigns import crm
from cxtools.campaigns.desk import Desk
from cxtools.campaigns.ledger import COLLECTABLE, Scanned
from cxtools.errors import PossiblyTruncated, Refused
from cxtools.measures import outcomes
from cxtools.model import Event, Job, recipient_key

POLL_FIRST_S, POLL_GROWTH, POLL_CAP_S = 0.25, 1.6, 60.0
#: a job may be unknown for this long after its submission, while the API's replicas catch up
LAG_S = 60.0


@dataclass(frozen=True)
class Collected:
    """What one round brought home: jobs scanned, events new and seen before, rows that could not be read."""

    jobs: int = 0
    added: int = 0
    duplicates: int = 0
    malformed: int = 0

    def __add__(self, other: Collected) -> Collected:
        return Collected(
            self.jobs + other.jobs, self.added + other.added, self.duplicates + other.duplicates, self.malformed + other.malformed
        )


def poll_wait_s(polls: int, *, rng: random.Random) -> float:
    """
    Seconds before the next look at a job that was looked at *polls* times: short at first, then growing, with jitter.

    >>> [round(poll_wait_s(n, rng=random.Random(7)), 2) for n in (0, 1, 5, 50)]
    [0.23, 0.36, 2.38, 54.53]
    """
    # the exponent is capped: 1.6 ** 2000 is no float
    return min(POLL_FIRST_S * POLL_GROWTH ** min(polls, 40), POLL_CAP_S) * rng.uniform(0.8, 1.2)


def follow(desk: Desk, name: str | None = None) -> list[str]:
    """
    Poll all submitted jobs at once until each is final, and return the batches that were not in time.

    Those stay `submitted`: the same command goes on waiting for them.
    """
    waiting = {row.id: row for row in desk.ledger.batches(name, ["submitted"])}
    polls: Counter[str] = Counter()
    due_at = dict.fromkeys(waiting, desk.now())
    late: list[str] = []
    with desk.progress(len(waiting), "jobs") as bar, ThreadPoolExecutor(desk.settings.workers) as pool:
        while waiting:
            due = [batch_id for batch_id in waiting if due_at[batch_id] <= desk.now()]
            for batch_id, job in zip(due, pool.map(lambda batch_id: _look(desk, waiting[batch_id]), due), strict=True):
                polls[batch_id] += 1
                due_at[batch_id] = desk.now() + poll_wait_s(polls[batch_id], rng=desk.rng)
                in_time = desk.now() < waiting[batch_id].submitted_at + desk.settings.job_deadline_s
                if job is None and in_time:
                    continue
                if job is None:
                    late.append(batch_id)
                else:
                    desk.ledger.record_job(batch_id, job)
                del waiting[batch_id]
                bar.update()
            if waiting:
                desk.sleep(max(0.01, min(due_at[batch_id] for batch_id in waiting) - desk.now()))
    return late


def _look(desk: Desk, row: Any) -> Job | None:
    """The job if it is final, None while it isn't."""
    try:
        job = desk.api.fetch_job(row.job_id)
    except Refused as refused:
        if refused.status == 404 and desk.now() < row.submitted_at + LAG_S:
            return None
        raise
    return job if job.final else None


def collect(desk: Desk, name: str | None = None) -> Collected:
    """
    Fetch all events of all finished jobs, store them, and only then write the scan to the ledger.

    Safe to run as often as one likes: an event that is there already is counted as a duplicate, not stored twice.
    """
    rows = desk.ledger.batches(name, COLLECTABLE)
    total = Collected()
    with desk.progress(len(rows), "events") as bar, ThreadPoolExecutor(desk.settings.workers) as pool:
        for campaign_rows in _by_campaign(rows):
            found: list[Future[_Scan]] = [pool.submit(_scan, desk, row) for row in campaign_rows]
            scans = []
            for future in as_completed(found):
                scans.append(future.result())
                bar.update()
            _record(desk, scans)
            total = sum((scan.collected for scan in scans), total)
    return total


@dataclass(frozen=True)
class _Scan:
    row: Any
    collected: Collected
    suppress: Mapping[str, str]


def _scan(desk: Desk, row: Any) -> _Scan:
    """All pages of one job into the store. What came before an answer that may be cut short is kept, then the error goes on."""
    events: list[Event] = []
    malformed: list[tuple[str, str]] = []
    cut_short: PossiblyTruncated | None = None
    try:
        for page in desk.api.fetch_event_pages(row.job_id):
            events += page.events
            malformed += page.malformed
    except PossiblyTruncated as error:
        cut_short = error
    added = desk.store.add(row.campaign, events, source="cxone", received_at=datetime.fromtimestamp(desk.now(), UTC))
    desk.store.set_aside(row.campaign, malformed)
    if cut_short:
        raise cut_short
    return _Scan(row, Collected(1, added.added, added.duplicates, len(malformed)), to_suppress(events))


def to_suppress(events: Iterable[Event]) -> dict[str, str]:
    """The people whose bounces say "never again" (key -> category); a sender-side bounce never does."""
    found = {}
    for event in events:
        if event.kind == "bounce" and event.email:
            verdict = classify(event.bounce_code, event.bounce_text)
            if verdict.suppress == "now":
                found[recipient_key(event.email)] = verdict.category
    return found


def _record(desk: Desk, scans: Sequence[_Scan]) -> None:
    """One ledger transaction per job; the webhook's content is read from the store, where the events are by now."""
    telling = [scan for scan in scans if scan.collected.added or scan.row.scans == 0]
    rows = outcomes(desk.store, telling[0].row.campaign, [scan.row.job_id for scan in telling]) if telling else {}
    spec = desk.ledger.spec(scans[0].row.campaign)
    for scan in scans:
        scanned = Scanned(scan.collected.added, scan.suppress)
        desk.ledger.record_scan(
            scan.row.id, scanned, horizon_s=desk.settings.event_horizon_s, hook=_hook(desk, scan, spec, rows.get(scan.row.job_id, []))
        )


def _hook(
    desk: Desk, scan: _Scan, spec: Mapping[str, Any], people: Sequence[Mapping[str, Any]]
) -> Callable[[int, tuple[int, str]], tuple[str, str, bytes]]:
    job = {
        "job_id": scan.row.job_id,
        "status": scan.row.job_status,
        "recipients": scan.row.recipients,
        "latency_s": scan.row.latency_s,
        "spam_score": scan.row.spam_score,
    }
    at = datetime.fromtimestamp(desk.now(), UTC).isoformat()
    return lambda version, anchor: crm.message(job, spec, people, version=version, at=at, anchor=anchor)


def _by_campaign(rows: Sequence[Any]) -> Iterable[list[Any]]:
    names = dict.fromkeys(row.campaign for row in rows)
    return ([row for row in rows if row.campaign == name] for name in names)
