"""
Whom our own campaigns found to be undeliverable: at once, or because it happened repeatedly.

A bounce that suppresses only when it repeats is kept per person and campaign until the next
delivery to that person.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import sqlalchemy as sa

from cxtools.ledger.audit_log import AuditLog
from cxtools.ledger.database import Database, in_groups, insert_missing
from cxtools.ledger.schema import audit_entry, repeat, suppression

#: Campaigns with such a bounce, and no delivery between, after which an address is suppressed.
REPEATS = 3
#: The kinds of the audit entries for people whom imported events or lists tell of, and an operator.
IMPORTED = "suppressions.imported"
LISTED = "suppressions.listed"
BY_HAND = "suppressions.added"
#: And for a list that was written out with addresses.
EXPORTED = "suppressions.exported"
#: What the ledger names as the source of whom an operator suppressed, or a list (with its file).
OPERATOR = "by hand"
LIST = "list: "
#: And of who asked to be erased.
ERASURE = "erasure"
#: Sources that are neither a campaign nor a list.
PEOPLE = (OPERATOR, ERASURE)


@dataclass(frozen=True)
class Scan:
    """
    One complete scan of a job: how many of its events the store holds by now, and what they say of
    people (by key).

    `suppress` and `repeats` give the reason: never again, or never again once it was so in REPEATS
    campaigns with no delivery between.
    """

    events: int
    suppress: Mapping[str, str]
    repeats: Mapping[str, str] = field(default_factory=dict)
    delivered: Collection[str] = ()


class Cause(NamedTuple):
    """Why a person is suppressed, and the campaign that found it out first."""

    reason: str
    campaign: str


class Suppressed(NamedTuple):
    """
    One person whom the ledger suppresses, by key: why, and since when (Unix time). `campaign` is
    the campaign that found it out, or who or what else says so, see `source`.
    """

    key: str
    reason: str
    campaign: str
    since: float

    @property
    def source(self) -> str:
        """
        Who says so: "campaign", "by hand", "list: FILE" or "erasure".

        >>> Suppressed("k", "left", "list: old.csv", 0).source
        'list: old.csv'
        >>> Suppressed("k", "invalid_recipient", "q3-update", 0).source
        'campaign'
        """
        is_campaign = self.campaign not in PEOPLE and not self.campaign.startswith(LIST)
        return "campaign" if is_campaign else self.campaign


COLUMNS = (
    suppression.c.rcpt_key,
    suppression.c.reason,
    suppression.c.campaign,
    suppression.c.since,
)


class Suppressions:
    """The people whom one ledger suppresses."""

    def __init__(
        self,
        database: Database,
        audit_log: AuditLog,
        *,
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._audit_log = audit_log
        self._now = now

    def find(self, keys: Iterable[str]) -> dict[str, str]:
        """
        Which of these people are suppressed by what our own earlier campaigns met: key -> reason.
        """
        query = sa.select(
            suppression.c.rcpt_key,
            suppression.c.reason,
        )
        reason_of: dict[str, str] = {}
        for group in in_groups(keys):
            is_one = suppression.c.rcpt_key.in_(group)
            rows = self._database.rows(query.where(is_one))
            reason_of.update(rows)
        return reason_of

    def causes(self, keys: Iterable[str]) -> dict[str, Suppressed]:
        """The same with all that is known: by whom, and since when; by key."""
        found: dict[str, Suppressed] = {}
        for group in in_groups(keys):
            is_one = suppression.c.rcpt_key.in_(group)
            for row in self._database.rows(sa.select(*COLUMNS).where(is_one)):
                found[row.rcpt_key] = Suppressed(*row)
        return found

    def add_scan(
        self,
        tx: sa.Connection,
        scan: Scan,
        *,
        campaign: str,
        submitted_at: float,
    ) -> dict[str, str]:
        """Write what a scan says of people, and return whom it suppresses: key -> reason."""
        _forget_repeats(tx, scan.delivered, before=submitted_at)
        repeated = _add_repeats(
            tx,
            scan,
            campaign=campaign,
            submitted_at=submitted_at,
        )
        suppress = {**repeated, **scan.suppress}
        causes = {key: Cause(reason, campaign) for key, reason in suppress.items()}
        self._insert(tx, causes)
        return suppress

    def listed(self) -> list[Suppressed]:
        """All people who are suppressed, those of last first."""
        query = sa.select(*COLUMNS).order_by(
            suppression.c.since.desc(),
            suppression.c.rcpt_key,
        )
        return [Suppressed(*row) for row in self._database.rows(query)]

    def add(self, kind: str, reasons: Mapping[str, str], source: str) -> int:
        """
        Suppress these people (key -> reason), of whom *source*, a campaign or a file, tells; how
        many weren't suppressed before. *kind* is that of the audit entry; the same again adds none.

        Whom a campaign suppressed already is from now on suppressed by the list or by hand, so that
        no change of bounce rules lifts them.
        """
        with self._database.writing() as tx:
            known = set(tx.scalars(sa.select(suppression.c.rcpt_key)))
            added = {key: why for key, why in reasons.items() if key not in known}
            self._insert(tx, {key: Cause(reason, source) for key, reason in added.items()})
            taken_over: dict[str, str] = {}
            if kind != IMPORTED:
                taken_over = _take_over(tx, reasons, source)
            people = {**added, **taken_over}
            if people or source not in _sources(tx, kind):
                self._audit_log.add(tx, kind, people, source=source, added=len(added))
        return len(added)

    def lift(self, key: str, reason: str) -> bool:
        """Mail a person again, for this reason; whether they were suppressed."""
        with self._database.writing() as tx:
            lifted = tx.execute(suppression.delete().filter_by(rcpt_key=key)).rowcount
            tx.execute(repeat.delete().filter_by(rcpt_key=key))
            if lifted:
                self._audit_log.add(tx, "suppressions.lifted", {key: reason}, reason=reason)
        return bool(lifted)

    def imported(self) -> set[str]:
        """The campaigns whose imported events suppress."""
        with self._database.reading() as tx:
            return _sources(tx, IMPORTED)

    def rejudge(
        self,
        reasons: Mapping[str, Mapping[str, str]],
        *,
        counted: Mapping[str, Collection[str]] | None = None,
        before: float,
    ) -> tuple[int, int]:
        """
        Make the suppressions by these campaigns those of *reasons* (campaign -> key -> reason),
        and return how many were added and how many lifted.

        *counted* are the people (campaign -> keys) whose bounces still count when they repeat; by
        default all that were. Who was suppressed at *before* or later stays, and so does who
        bounced repeatedly, and whom an operator or a list suppressed.
        """
        justified = _first_causes(reasons)
        names = list(reasons)
        by_these = sa.select(suppression.c.rcpt_key).where(
            suppression.c.campaign.in_(names),
            suppression.c.since < before,
            _found_by_campaigns(),
        )
        everyone = sa.select(suppression.c.rcpt_key)
        with self._database.writing() as tx:
            for name, keys in (counted or {}).items():
                _forget_others(tx, name, keys)
            suppressed_by_these = set(tx.scalars(by_these))
            offenders = set(tx.scalars(_repeat_offenders()))
            lifted = suppressed_by_these - justified.keys() - offenders
            for key in lifted:
                tx.execute(suppression.delete().filter_by(rcpt_key=key))
            suppressed = set(tx.scalars(everyone))
            added = {key: cause for key, cause in justified.items() if key not in suppressed}
            self._insert(tx, added)
            people = dict.fromkeys(lifted, "lifted")
            for key, cause in added.items():
                people[key] = cause.reason
            self._audit_log.add(
                tx,
                "suppressions.rejudged",
                added=len(added),
                lifted=len(lifted),
                people=people,
            )
        return len(added), len(lifted)

    def _insert(self, tx: sa.Connection, causes: Mapping[str, Cause]) -> None:
        since = self._now()
        rows = [
            {
                "rcpt_key": key,
                "reason": cause.reason,
                "campaign": cause.campaign,
                "since": since,
            }
            for key, cause in causes.items()
        ]
        insert_missing(tx, suppression, rows)


def _found_by_campaigns() -> sa.ColumnElement[bool]:
    """Whether a suppression is neither an operator's nor a list's nor an erasure's."""
    source = suppression.c.campaign
    return sa.and_(source.not_in(PEOPLE), sa.not_(source.startswith(LIST)))


def _take_over(tx: sa.Connection, reasons: Mapping[str, str], source: str) -> dict[str, str]:
    """Those of these people (key -> reason) whom campaigns suppressed until now."""
    by_campaigns = sa.select(suppression.c.rcpt_key).where(_found_by_campaigns())
    taken_over: dict[str, str] = {}
    for key in reasons.keys() & set(tx.scalars(by_campaigns)):
        taken_over[key] = reasons[key]
        row = suppression.update().filter_by(rcpt_key=key)
        tx.execute(row.values(reason=reasons[key], campaign=source))
    return taken_over


def _sources(tx: sa.Connection, kind: str) -> set[str]:
    """The sources that audit entries of this kind name."""
    bodies = tx.scalars(sa.select(audit_entry.c.body).filter_by(kind=kind))
    return {json.loads(body)["source"] for body in bodies}


def _first_causes(reasons: Mapping[str, Mapping[str, str]]) -> dict[str, Cause]:
    """key -> why; of several campaigns that found a person, the first counts."""
    causes: dict[str, Cause] = {}
    for name, reason_of in reasons.items():
        for key, reason in reason_of.items():
            causes.setdefault(key, Cause(reason, name))
    return causes


def _forget_repeats(tx: sa.Connection, delivered: Iterable[str], *, before: float) -> None:
    """What people did to earlier mail doesn't count any more when mail was delivered to them."""
    earlier = repeat.delete().where(repeat.c.since <= before)
    for group in in_groups(delivered):
        is_one = repeat.c.rcpt_key.in_(group)
        tx.execute(earlier.where(is_one))


def _forget_others(tx: sa.Connection, name: str, counted: Collection[str]) -> None:
    """The bounces of a campaign that don't count any more, by rules that changed."""
    keys = sa.select(repeat.c.rcpt_key).filter_by(campaign=name)
    for key in set(tx.scalars(keys)).difference(counted):
        tx.execute(repeat.delete().filter_by(campaign=name, rcpt_key=key))


def _add_repeats(
    tx: sa.Connection,
    scan: Scan,
    *,
    campaign: str,
    submitted_at: float,
) -> dict[str, str]:
    """
    Write the bounces of a job that count only when they repeat; who has had too many by now: key ->
    reason.
    """
    reasons = {key: why for key, why in scan.repeats.items() if key not in scan.delivered}
    rows = [
        {
            "rcpt_key": key,
            "campaign": campaign,
            "reason": reason,
            "since": submitted_at,
        }
        for key, reason in reasons.items()
    ]
    insert_missing(tx, repeat, rows)
    repeated: dict[str, str] = {}
    for group in in_groups(reasons):
        is_one = repeat.c.rcpt_key.in_(group)
        for key in tx.scalars(_repeat_offenders().where(is_one)):
            repeated[key] = f"{reasons[key]}, in {REPEATS} campaigns"
    return repeated


def _repeat_offenders() -> sa.Select[str]:
    """The people with such bounces in enough campaigns."""
    keys = sa.select(repeat.c.rcpt_key).group_by(repeat.c.rcpt_key)
    return keys.having(sa.func.count() >= REPEATS)
