"""
Which reports are due: pure, by what the file says, what there is, what was made, and the clock.

A report is due where it was never made, where its data or rules changed (`when = "changed"`), or
where a moment of its cron expression has passed since it was made: one, however many were missed.
What failed is due again when its pause is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from cronsim import CronSim

from cxtools.refresh.reports import CHANGED, Report

#: Seconds until a report that failed is tried again, by how often it failed in a row.
PAUSES_S = (300, 1800, 7200, 21600, 86400)


@dataclass(frozen=True)
class Subject:
    """
    What a report can be about: a campaign, or "" for reports that are about none.

    `began_at` is Unix time in seconds (None: not known), `data_digest` changes with its data.
    """

    campaign: str
    began_at: float | None
    data_digest: str


@dataclass(frozen=True)
class Made:
    """
    What became of the last runs of a report on a campaign: made at `ran_at` (Unix time; None:
    never) of data and rules with these digests; after failures not again before `next_at`.
    """

    ran_at: float | None
    data_digest: str
    rules_digest: str
    next_at: float | None = None


@dataclass(frozen=True)
class Due:
    """One report on one campaign that is to be made, and why."""

    report: str
    campaign: str
    why: str
    data_digest: str
    rules_digest: str

    def __str__(self) -> str:
        about = f" of {self.campaign}" if self.campaign else ""
        return f"{self.report}{about}: {self.why}"


def due(
    reports: Mapping[str, Report],
    subjects: Sequence[Subject],
    rules_digests: Mapping[str, str],
    made: Mapping[tuple[str, str], Made],
    now: float,
) -> list[Due]:
    """
    What is to be made, campaign by campaign; *rules_digests* are those of each report, *made* what
    was made before, by report and campaign.
    """
    found: list[Due] = []
    for subject in subjects:
        for name, report in reports.items():
            if not is_about(report, subject, now):
                continue
            before = made.get((name, subject.campaign))
            digest = rules_digests[name]
            why = _why(report, subject, digest, before, now)
            if why:
                found.append(Due(name, subject.campaign, why, subject.data_digest, digest))
    return found


def is_about(report: Report, subject: Subject, now: float) -> bool:
    """Whether a report is about this campaign; one that names no campaigns is about none."""
    if not report.campaigns or not subject.campaign:
        return not report.campaigns and not subject.campaign
    if not any(fnmatchcase(subject.campaign, pattern) for pattern in report.campaigns):
        return False
    if report.newer_than is None or subject.began_at is None:
        return True
    return now - subject.began_at <= report.newer_than.total_seconds()


def _why(
    report: Report, subject: Subject, rules_digest: str, before: Made | None, now: float
) -> str:
    """Why a report is due; "" where it isn't."""
    if before is None:
        return "never made"
    if before.next_at is not None:
        return "it failed before" if before.next_at <= now else ""
    if report.when != CHANGED:
        return _missed(report, before.ran_at, now)
    return _change(subject, rules_digest, before)


def _change(subject: Subject, rules_digest: str, before: Made) -> str:
    if before.data_digest != subject.data_digest:
        return "new data"
    if before.rules_digest != rules_digest:
        return "new rules"
    return ""


def _missed(report: Report, ran_at: float | None, now: float) -> str:
    """The last moment of the schedule, where nothing was made since; "" where something was."""
    zone = ZoneInfo(report.timezone)
    last = last_moment(report.when, datetime.fromtimestamp(now, zone))
    if last is None or last.timestamp() <= (ran_at or 0):
        return ""
    return f"scheduled for {last:%Y-%m-%d %H:%M %Z}"


def last_moment(expression: str, now: datetime) -> datetime | None:
    """
    The last moment of a cron expression up to *now*, in the zone of *now*; None where there was
    none in fifty years.

    >>> berlin = ZoneInfo("Europe/Berlin")
    >>> last_moment("30 2 * * *", datetime(2026, 3, 29, 12, tzinfo=berlin)).isoformat()
    '2026-03-29T03:00:00+02:00'
    """
    after = now + timedelta(microseconds=1)
    return next(CronSim(expression, after, reverse=True), None)


def pause_s(tries: int) -> float:
    """
    Seconds until a report that failed so often in a row is tried again.

    >>> pause_s(1), pause_s(2), pause_s(99)
    (300, 1800, 86400)
    """
    return PAUSES_S[min(tries, len(PAUSES_S)) - 1]


def by_campaign(found: Iterable[Due]) -> Iterator[tuple[str, list[Due]]]:
    """What is due, together for each campaign."""
    groups: dict[str, list[Due]] = {}
    for each in found:
        groups.setdefault(each.campaign, []).append(each)
    yield from groups.items()
