"""Fetch the events of finished jobs: at their end, and again later for the late ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from operator import add
from typing import Any

from cxtools.bounce import Judge
from cxtools.context import Context
from cxtools.errors import CxError
from cxtools.identity import recipient_key
from cxtools.ledger.audit import Anchor
from cxtools.ledger.batches import BatchRow
from cxtools.ledger.ledger import Ledger
from cxtools.ledger.outbox import Webhook
from cxtools.ledger.states import COLLECTABLE, ENDED
from cxtools.ledger.suppressions import Scan
from cxtools.measures.engine import Engine
from cxtools.measures.outcomes import outcomes
from cxtools.model import Event
from cxtools.webhooks import deliver

#: for so long after its horizon a settled job is still asked for late events, unless its campaign
#: is named
AFTERGLOW_S = 30 * 86400.0
OPEN = (*ENDED, "settling")
#: jobs whose events are in memory at once: about 100,000 events, 150 MB
JOBS_AT_ONCE = 32


@dataclass(frozen=True)
class Collected:
    """
    What one round brought home: jobs scanned, events new and seen before, rows that could not be
    read.
    """

    jobs: int = 0
    added: int = 0
    duplicates: int = 0
    malformed: int = 0

    def __add__(self, other: Collected) -> Collected:
        return Collected(*map(add, astuple(self), astuple(other)))


def collect(context: Context, name: str | None = None) -> Collected:
    """
    Fetch all events of all finished jobs, store them, and only then write the scan to the ledger.

    Safe to run as often as one likes: an event that is there already is counted as a duplicate, not
    stored twice. A job whose events can't be had doesn't hold up the others; its error is raised
    when they are done.
    """
    if name:
        context.ledger.plans.spec(name)
        context.refuse_foreign(name)
    ours = (
        [name]
        if name
        else [
            each
            for each in context.ledger.plans.names()
            if context.ledger.plans.account(each) in ("", context.settings.account)
        ]
    )
    since = 0 if name else context.now() - context.settings.event_horizon_s - AFTERGLOW_S
    rows = [
        row
        for each in ours
        for row in context.ledger.batches.rows(each, COLLECTABLE)
        if row.state in OPEN or (row.submitted_at or 0) > since
    ]
    total = Collected()
    failed: list[CxError] = []
    with (
        context.progress(len(rows), "events") as bar,
        ThreadPoolExecutor(context.settings.workers) as pool,
    ):
        for group in _groups(rows):
            fetched = list(pool.map(lambda row: _fetch(context, row), group))
            total += _keep(context, group[0].campaign, fetched)
            failed += [each.error for each in fetched if each.error]
            bar.update(len(group))
    if failed:
        raise failed[0]
    return total


@dataclass(frozen=True)
class _Fetched:
    """One job's events; with an error they are what came before it."""

    row: BatchRow
    events: list[Event]
    malformed: list[tuple[str, str]]
    error: CxError | None = None


def _fetch(context: Context, row: BatchRow) -> _Fetched:
    fetched = _Fetched(row, [], [])
    try:
        for page in context.api.fetch_event_pages(row.job):
            fetched.events.extend(page.events)
            fetched.malformed.extend(page.malformed)
    except CxError as error:
        return replace(fetched, error=error)
    return fetched


def _keep(context: Context, name: str, fetched: Sequence[_Fetched]) -> Collected:
    """Events first, durable; then one ledger transaction per job that was read to its end."""
    events = [event for each in fetched for event in each.events]
    malformed = [row for each in fetched for row in each.malformed]
    added = context.store.add(
        name, events, source="cxone", received_at=datetime.fromtimestamp(context.now(), UTC)
    )
    context.store.keep_rejects(name, malformed)
    whole = [each for each in fetched if not each.error]
    counts = context.store.job_counts(name, [each.row.job for each in whole])
    untold = [
        each.row.job
        for each in whole
        if each.row.scans == 0 or counts.get(each.row.job, 0) > each.row.told_events
    ]
    found = outcomes(context.engine, name, untold) if untold else {}
    people = {job_id: found.get(job_id, []) for job_id in untold}
    spec = context.ledger.plans.spec(name)
    for each in whole:
        refusals = [
            (event.email, event.bounce_code, event.bounce_text)
            for event in each.events
            if event.kind == "bounce" and event.email
        ]
        delivered = {
            recipient_key(event.email)
            for event in each.events
            if event.kind == "delivery" and event.email
        }
        suppressions = find_suppressions(context.engine.judge, refusals)
        scan = Scan(
            counts.get(each.row.job, 0),
            suppressions.at_once,
            suppressions.when_repeated,
            delivered,
        )
        hook = _hook(context, each.row, spec, people)
        context.ledger.jobs.record_scan(
            each.row.id, scan, horizon_s=context.settings.event_horizon_s, write_webhook=hook
        )
    return Collected(len(whole), added.added, added.duplicates, len(malformed))


@dataclass(frozen=True)
class Suppressions:
    """Whom some bounces suppress, as key -> category: at once, or when they repeat."""

    at_once: Mapping[str, str]
    when_repeated: Mapping[str, str]


def find_suppressions(judge: Judge, refusals: Iterable[tuple[str, str, str]]) -> Suppressions:
    """
    The people whom these bounces (address, code, text) suppress.

    Which bounces do stands in `bounce/policy.py`. One of the sender's side never does, however
    often it repeats.

    >>> from cxtools.bounce.classify import standard_judge
    >>> bounces = [
    ...     ("ann@x.example", "550", "user unknown"),
    ...     ("bob@x.example", "452", "mailbox full"),
    ...     ("eve@x.example", "550", "listed by spamhaus"),
    ... ]
    >>> found = find_suppressions(standard_judge(), bounces)
    >>> list(found.at_once.values()), list(found.when_repeated.values())
    (['invalid_recipient'], ['mailbox_full'])
    """
    at_once: dict[str, str] = {}
    when_repeated: dict[str, str] = {}
    for email, code, text in refusals:
        verdict = judge.classify(code, text)
        if verdict.suppress == "now":
            at_once[recipient_key(email)] = verdict.category
        elif verdict.suppress == "after_n":
            when_repeated[recipient_key(email)] = verdict.category
    return Suppressions(at_once, when_repeated)


def rejudge(ledger: Ledger, engine: Engine, *, began: float) -> tuple[int, int]:
    """
    Judge all that servers ever said once more, and let the local suppressions follow: how many were
    added, how many lifted.

    For after a change of rules. A campaign whose events aren't in the store keeps its suppressions,
    and so does who was suppressed since *began*: a collector may be at work.
    """
    jobs = {
        name: [row.job_id for row in ledger.batches.rows(name) if row.job_id]
        for name in ledger.plans.names()
        if name in engine.store.campaigns()
    }
    found = {
        name: dict(find_suppressions(engine.judge, engine.store.refusals(name, job_ids)).at_once)
        for name, job_ids in jobs.items()
    }
    return ledger.suppressions.rejudge(found, before=began)


def _hook(
    context: Context,
    row: BatchRow,
    spec: Mapping[str, Any],
    people: Mapping[str, Sequence[Mapping[str, Any]]],
) -> Callable[[int, Anchor], Webhook]:
    at = datetime.fromtimestamp(context.now(), UTC).isoformat()

    def hook(version: int, anchor: Anchor) -> Webhook:
        known = (
            people if row.job in people else outcomes(context.engine, row.campaign, [row.job])
        )  # another run scanned meanwhile
        return deliver.message(
            row, spec, known.get(row.job, []), version=version, at=at, anchor=anchor
        )

    return hook


def _groups(rows: Sequence[BatchRow]) -> Iterator[list[BatchRow]]:
    """Jobs of one campaign, so many at a time as memory bears."""
    for name in dict.fromkeys(row.campaign for row in rows):
        own = [row for row in rows if row.campaign == name]
        yield from (own[start : start + JOBS_AT_ONCE] for start in range(0, len(own), JOBS_AT_ONCE))
