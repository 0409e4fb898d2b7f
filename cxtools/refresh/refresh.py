"""
One round: take the inbox in, collect late events, erase again who came back, make the reports that
are due, keep the folders' indexes, tell people. Again, there is nothing to do.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cxtools.campaigns import data_digest, known_campaigns
from cxtools.connection import Connection
from cxtools.errors import ConfigError, CxError, StoreError
from cxtools.files import make_private_folder
from cxtools.mailboxes import look_up_unknown
from cxtools.pages.earlier import drop_states
from cxtools.pages.index import is_behind, write_index
from cxtools.people.forget import Forgotten, finish_earlier, is_due
from cxtools.refresh.channels import Channels
from cxtools.refresh.due import Due, Made, Subject, due
from cxtools.refresh.inbox import FAILED, InboxFile, take_in, waiting_files
from cxtools.refresh.make import RUN, Outcome, Workshop, pages_of
from cxtools.refresh.messages import verdict_webhook
from cxtools.refresh.notices import reminder
from cxtools.refresh.reports import REPORTS, Reports, reports_of
from cxtools.sending.collect import Collected
from cxtools.verdicts.brief import brief

#: Whoever holds it is the one that refreshes this home.
LOCK = ".refresh.lock"
NOTHING = "nothing is due"


@dataclass(frozen=True)
class Refreshed:
    """
    What a round did.

    Attributes:
        collected: the events it collected; None where no campaign was asked for
        files: the files of the inbox that it took
        made: the reports that were due, each with its page or why there is none
        told: messages to channels, by what became of them: delivered, pending, dead, parked
        erased: where people stood who are erased, and had come back by a file or a backup
        error: why events could not be collected; None where they could
    """

    collected: Collected | None
    files: tuple[InboxFile, ...]
    made: tuple[Outcome, ...] = ()
    told: Counter[str] = field(default_factory=Counter)
    error: CxError | None = None
    erased: Forgotten = field(default_factory=Forgotten)

    @property
    def failed(self) -> list[InboxFile]:
        """The files that could not be taken in."""
        return [file for file in self.files if file.state == FAILED]

    @property
    def not_made(self) -> list[Outcome]:
        """The reports that failed."""
        return [one for one in self.made if one.error]

    @property
    def bad(self) -> list[Outcome]:
        """The reports with a verdict as bad as their `fail_on`."""
        return [one for one in self.made if one.is_bad]

    def document(self) -> dict[str, Any]:
        """The round as JSON knows it."""
        collected = asdict(self.collected) if self.collected else None
        return {
            "collected": collected,
            "inbox": [asdict(file) for file in self.files],
            "erased": self.erased.to_dict(),
            "reports": [one.record() for one in self.made],
            "told": dict(self.told),
            "error": str(self.error) if self.error else None,
        }

    def __str__(self) -> str:
        lines = [str(file) for file in self.files]
        if not self.erased.is_nothing:
            lines.append(f"erased people had come back; {self.erased.summary}")
        if self.collected and self.collected.added:
            lines.append(f"{self.collected.added:,} new events of {self.collected.jobs:,} jobs")
        lines += [str(one) for one in self.made]
        lines += [f"messages {state}: {count:,}" for state, count in sorted(self.told.items())]
        return "\n".join(lines) or NOTHING


def refresh(
    client: Connection,
    now: float,
    *,
    environ: Mapping[str, str] = os.environ,
    rng: random.Random | None = None,
) -> Refreshed:
    """
    Take in what lies in the inbox, collect late events, erase again those who came back by a
    backup, make what is due, and tell people; *now* is Unix time in seconds.

    Where events can't be collected, the rest is done all the same, and the error stands in what is
    returned.

    Raises:
        ConfigError: `reports.toml` is wrong, or a channel's secret is missing; nothing was done.
        ReportError: a report names a notebook that isn't there; nothing was done.
        StoreError: another refresh of this home is at work, or the store can't be written.
    """
    home = client.settings.home
    make_private_folder(home)
    with _alone(home):
        reports = read_reports(home)
        workshop = Workshop(client, reports, now)
        channels = Channels(client, reports, environ)
        files = tuple(_take_in(client, now))
        collected, not_collected = _collect(client, now)
        error = not_collected or _look_up_mail_servers(client)
        erased = finish_earlier(client)
        if not reports.reports:
            return Refreshed(collected, files, error=error, erased=erased)
        clock = _clock(now)
        client.ledger.now = clock
        made = tuple(workshop.make(_due(workshop)))
        _drop_states(workshop)
        _write_indexes(workshop)
        _remind(workshop)
        told = channels.deliver(workshop.find, rng=rng or random.Random(), now=clock)
        client.ledger.audit_log.append_anchor()
        return Refreshed(collected, files, made, told, error, erased)


def _clock(now: float) -> Callable[[], float]:
    """A clock that goes on from *now*."""
    began = time.monotonic()
    return lambda: now + time.monotonic() - began


def read_reports(home: Path) -> Reports:
    """
    What the home's `reports.toml` says; without one there are no reports.

    Raises:
        ConfigError: it isn't TOML, or says something wrong.
    """
    file = home / REPORTS
    if not file.exists():
        return Reports()
    try:
        content = tomllib.loads(file.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the reports are not TOML: {error}", where=str(file)) from None
    return reports_of(content, str(file))


def waiting(client: Connection, now: float) -> list[str]:
    """
    What a round would do, in words: files that it would take in, campaigns it would ask for,
    people it would look for who are erased, reports it would make, by the data of now.

    Raises:
        ConfigError, ReportError: as `refresh`.
    """
    home = client.settings.home
    files = [f"take in {file.relative_to(home)}" for file in waiting_files(home, now)]
    campaigns = [f"collect {name}" for name in _unsettled(client, now)]
    workshop = Workshop(client, read_reports(home), now)
    reports = [f"make {each}" for each in _due(workshop)]
    erasures = ["look for erased people in what is new"] if is_due(client) else []
    return [*files, *campaigns, *erasures, *reports]


def _due(workshop: Workshop) -> list[Due]:
    """The reports that are due, by what there is now."""
    client = workshop.client
    runs = client.ledger.report_runs.all() if client.has_ledger else []
    made = {
        (run.report, run.campaign): Made(run.ran_at, run.data_digest, run.rules_digest, run.next_at)
        for run in runs
    }
    found = due(
        workshop.reports.reports,
        _subjects(workshop),
        workshop.rules_digests(),
        made,
        workshop.now,
    )
    return [each for each in found if workshop.can_make(each)]


def _subjects(workshop: Workshop) -> list[Subject]:
    """Every campaign, and what reports about none are about."""
    client = workshop.client
    if not workshop.reports.reports:
        return []
    subjects = []
    for campaign in known_campaigns(client):
        began_at = campaign.began_at.timestamp() if campaign.began_at else None
        subjects.append(Subject(campaign.name, began_at, data_digest(client, campaign.name)))
    every = hashlib.sha256("".join(one.data_digest for one in subjects).encode())
    return [*subjects, Subject("", None, every.hexdigest()[:24])]


def _drop_states(workshop: Workshop) -> None:
    """Remove earlier states of pages that are older than their report keeps them for."""
    for run in workshop.client.ledger.report_runs.all():
        report = workshop.reports.reports.get(run.report)
        if report is None or report.keep_for is None or not run.page:
            continue
        page = Path(run.page)
        dropped = drop_states(page, keep=report.keep, keep_for=report.keep_for, now=workshop.now)
        if dropped:
            write_index(page.parent)


def _write_indexes(workshop: Workshop) -> None:
    """The index of each folder with a page that is newer: of this round, or of one killed."""
    folders = {workshop.folder(name) for name in workshop.reports.reports}
    for folder in sorted(folders):
        if folder.is_dir() and is_behind(folder):
            write_index(folder)


def _remind(workshop: Workshop) -> None:
    """Queue the reminders that have come due, of campaigns that reports are about."""
    client = workshop.client
    if not any(channel.remind_after for channel in workshop.reports.channels.values()):
        return
    pages: dict[tuple[str, str], list[Path]] = {}
    for run in client.ledger.report_runs.all():
        if not run.page or run.report not in workshop.reports.reports:
            continue
        for name in workshop.reports.channels_of(run.report):
            pages.setdefault((name, run.campaign), []).append(Path(run.page))
    for (name, campaign), files in sorted(pages.items()):
        _remind_of(workshop, name, campaign, files)


def _remind_of(workshop: Workshop, name: str, campaign: str, files: Sequence[Path]) -> None:
    client = workshop.client
    channel = workshop.reports.channels[name]
    streak = client.ledger.judgements.streak(campaign, RUN)
    if streak is None:
        return
    notice = reminder(name, channel, campaign, streak, workshop.now)
    if notice is None:
        return
    message = verdict_webhook(
        notice,
        channel=channel,
        known=brief(client.verdict(campaign)),
        streak=streak,
        pages=pages_of([file for file in files if file.exists()]),
        now=workshop.now,
    )
    with client.ledger.writing() as tx:
        client.ledger.outbox.enqueue_message(tx, campaign, name, message)


def _take_in(client: Connection, now: float) -> Iterator[InboxFile]:
    home = client.settings.home
    suppresses = client.settings.suppress_imported
    yield from take_in(
        client.store,
        home,
        waiting_files(home, now),
        now=datetime.fromtimestamp(now, UTC),
        suppress=client.suppress_imported if suppresses else lambda _: 0,
    )


def _collect(client: Connection, now: float) -> tuple[Collected | None, CxError | None]:
    """
    The late events of campaigns that have any to come, None where there is none; and why they can't
    be had.
    """
    if not _unsettled(client, now):
        return None, None
    try:
        return client.collect(), None
    except CxError as error:
        return None, error


def _look_up_mail_servers(client: Connection) -> CxError | None:
    """
    Ask DNS who runs the mailboxes of new domains, where a setting says so; why that can't be, if it
    can't: reports are made all the same.
    """
    settings = client.settings
    if not settings.look_up_mail_servers:
        return None
    try:
        look_up_unknown(client.engine, settings.home, server=settings.dns_server)
    except CxError as error:
        return error
    return None


def _unsettled(client: Connection, now: float) -> list[str]:
    """This account's campaigns whose jobs may still have late events."""
    if not client.has_ledger or not client.ledger.plans.names():
        return []
    from cxtools.sending.collect import campaigns_with_late_events

    return campaigns_with_late_events(client.ledger, client.settings, now)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One refresh of a home at a time; the lock ends with its process, however that ends."""
    handle = os.open(home / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                "another refresh of this home is at work",
                where=str(home),
                do="let it finish; the next call takes what it left",
            ) from None
        yield
    finally:
        os.close(handle)
