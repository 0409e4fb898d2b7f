"""Fetch the events of finished jobs: at their end, and again later for the late ones."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from cxtools import wording
from cxtools.api.event_pages import EventPage, Malformed, read_pages
from cxtools.context import Context
from cxtools.errors import CxError
from cxtools.identity import recipient_key
from cxtools.ledger.audit import Anchor
from cxtools.ledger.batches import BatchRow
from cxtools.ledger.ledger import Ledger
from cxtools.ledger.outbox import Webhook
from cxtools.ledger.states import COLLECTABLE, UNSETTLED
from cxtools.ledger.suppressions import Scan
from cxtools.measures.outcomes import Refusal, job_events, outcomes
from cxtools.sending.groups import in_groups_by_campaign
from cxtools.sending.suppress import find_suppressions
from cxtools.settings import Settings
from cxtools.webhooks.message import job_webhook

if TYPE_CHECKING:
    import pyarrow as pa

#: Settled jobs are still asked for late events for this long after their horizon; longer where
#: their campaign is named.
LATE_EVENTS_S = 30 * 86400.0
#: Groups of jobs whose events are fetched while those of another one are stored.
GROUPS_AHEAD = 1

#: What became of one recipient of a job, see `measures.outcomes`
Outcome = Mapping[str, Any]
#: job id -> one outcome for each message
Outcomes = Mapping[str, Sequence[Outcome]]


@dataclass(frozen=True)
class Collected:
    """
    What one round fetched: jobs scanned, events new and seen before, rows that could not be read.
    """

    jobs: int = 0
    added: int = 0
    duplicates: int = 0
    malformed: int = 0

    def __add__(self, other: Collected) -> Collected:
        return Collected(
            self.jobs + other.jobs,
            self.added + other.added,
            self.duplicates + other.duplicates,
            self.malformed + other.malformed,
        )


@dataclass
class JobPages:
    """One job's pages of events; where an *error* ended them, they are what came before."""

    row: BatchRow
    pages: list[EventPage] = field(default_factory=list)
    error: CxError | None = None


class Group(NamedTuple):
    """Jobs of one campaign, whose pages have come or are on their way."""

    campaign: str
    waiting: Sequence[Future[JobPages]]

    def jobs(self) -> Iterator[JobPages]:
        """The jobs in their order, each as soon as all its pages have come."""
        for job in self.waiting:
            yield job.result()


@dataclass
class Words:
    """What events say of people, by job: refusals, and the keys of those who got the mail."""

    refusals: dict[str, list[Refusal]] = field(default_factory=lambda: defaultdict(list))
    delivered: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def take(self, events: pa.Table) -> None:
        for row in _with_address(events, "bounce", *Refusal._fields):
            job_id = row.pop("job_id")
            self.refusals[job_id].append(Refusal(**row))
        for row in _with_address(events, "delivery", "email"):
            self.delivered[row["job_id"]].add(recipient_key(row["email"]))


def collect(context: Context, name: str | None = None) -> Collected:
    """
    Fetch all events of all finished jobs, store them, and only then write the scan to the ledger.

    Safe to run again and again: an event that is stored already is counted as a duplicate, not
    stored twice. A job whose events can't be had doesn't hold up the others; its error is raised
    when they are done.

    Raises:
        ConfigError: there is no such campaign, or another account sends it.
    """
    rows = _rows(context, name)
    total = Collected()
    errors: list[CxError] = []
    with (
        context.progress(len(rows), "events") as bar,
        ThreadPoolExecutor(context.settings.workers) as pool,
    ):
        try:
            for group in _fetch_in_groups(context, rows, pool):
                total += _keep(context, group)
                errors += [job.error for job in group.jobs() if job.error]
                bar.update(len(group.waiting))
                bar.set_postfix_str(f"{wording.count(total.added + total.duplicates)} events")
        finally:
            pool.shutdown(cancel_futures=True)
    if errors:
        raise errors[0]
    return total


def _rows(context: Context, name: str | None) -> list[BatchRow]:
    """The batches whose jobs are asked for events."""
    if name:
        context.ledger.plans.spec(name)
        context.refuse_foreign(name)
        return context.ledger.batches.rows(name, COLLECTABLE)
    return _rows_of_account(context.ledger, context.settings, context.now())


def _rows_of_account(ledger: Ledger, settings: Settings, now: float) -> list[BatchRow]:
    """The same of every campaign that this account sends."""
    since = now - settings.event_horizon_s - LATE_EVENTS_S
    rows = []
    for campaign in ledger.plans.names():
        if ledger.plans.account(campaign) not in ("", settings.account):
            continue
        for row in ledger.batches.rows(campaign, COLLECTABLE):
            if row.state in UNSETTLED or (row.submitted_at or 0) > since:
                rows.append(row)
    return rows


def campaigns_with_late_events(ledger: Ledger, settings: Settings, now: float) -> list[str]:
    """This account's campaigns that a round without a name asks for events; asks nobody."""
    rows = _rows_of_account(ledger, settings, now)
    return list(dict.fromkeys(row.campaign for row in rows))


def _fetch_in_groups(
    context: Context,
    rows: Sequence[BatchRow],
    pool: Executor,
) -> Iterator[Group]:
    """One group of jobs after the other; while one is stored the next is fetched."""
    groups: deque[Group] = deque()
    for batches in in_groups_by_campaign(rows):
        waiting = [pool.submit(_fetch, context, row) for row in batches]
        groups.append(Group(batches[0].campaign, waiting))
        if len(groups) > GROUPS_AHEAD:
            yield groups.popleft()
    yield from groups


def _fetch(context: Context, row: BatchRow) -> JobPages:
    fetched = JobPages(row)
    try:
        for page in context.api.fetch_event_pages(row.job):
            fetched.pages.append(page)
    except CxError as error:
        fetched.error = error
    return fetched


def _keep(context: Context, group: Group) -> Collected:
    """
    Events first, durable; then one ledger transaction per job that was read to its end.

    Pages are read while those of later jobs are still on their way.
    """
    name = group.campaign
    words = Words()
    malformed: list[Malformed] = []

    def tables() -> Iterator[pa.Table]:
        pages = chain.from_iterable(job.pages for job in group.jobs())
        for events in read_pages(pages):
            words.take(events.table)
            malformed.extend(events.malformed)
            yield events.table

    received_at = datetime.fromtimestamp(context.now(), UTC)
    added = context.store.add_tables(name, tables(), source="cxone", received_at=received_at)
    context.store.keep_rejects(name, malformed)
    complete = [job.row for job in group.jobs() if not job.error]
    _record_scans(context, name, complete, words)
    return Collected(
        jobs=len(complete),
        added=added.added,
        duplicates=added.duplicates,
        malformed=len(malformed),
    )


def _record_scans(
    context: Context,
    name: str,
    rows: Sequence[BatchRow],
    words: Words,
) -> None:
    counts = job_events(context.engine, name, [row.job for row in rows])
    untold = [row.job for row in rows if _is_untold(row, counts)]
    people: Outcomes = {}
    if untold:
        outcomes_of = outcomes(context.engine, name, untold)
        people = {job_id: outcomes_of.get(job_id, []) for job_id in untold}
    spec = context.ledger.plans.spec(name)
    for row in rows:
        suppressions = find_suppressions(context.engine.judge, words.refusals[row.job])
        scan = Scan(
            counts.get(row.job, 0),
            suppressions.at_once,
            suppressions.when_repeated,
            words.delivered[row.job],
        )
        context.ledger.jobs.record_scan(
            row.id,
            scan,
            horizon_s=context.settings.event_horizon_s,
            write_webhook=_webhook(context, row, spec, people),
        )


def _is_untold(row: BatchRow, counts: Mapping[str, int]) -> bool:
    """Whether the store holds events of a job that the CRM was not told of."""
    if row.scans == 0:
        return True
    return counts.get(row.job, 0) > row.told_events


def _with_address(events: pa.Table, kind: str, *names: str) -> list[dict[str, Any]]:
    """The job and these columns of the events of a kind that name an address."""
    import pyarrow.compute as pc

    is_meant = pc.and_(pc.equal(events["kind"], kind), pc.not_equal(events["email"], ""))
    rows: list[dict[str, Any]] = events.select(["job_id", *names]).filter(is_meant).to_pylist()
    return rows


def _webhook(
    context: Context,
    row: BatchRow,
    spec: Mapping[str, Any],
    people: Outcomes,
) -> Callable[[int, Anchor], Webhook]:
    """The webhook of a job, to be made when the ledger gives it its version and its anchor."""
    at = datetime.fromtimestamp(context.now(), UTC).isoformat()

    def make(version: int, anchor: Anchor) -> Webhook:
        outcomes_of = people
        if row.job not in people:  # another run scanned meanwhile
            outcomes_of = outcomes(context.engine, row.campaign, [row.job])
        rows = outcomes_of.get(row.job, [])
        return job_webhook(row, spec, rows, version=version, at=at, anchor=anchor)

    return make
