"""Campaign verdicts that were kept: when, of which data, by which rules, with which word."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

import sqlalchemy as sa

from cxtools.ledger.database import Database, insert_missing
from cxtools.ledger.schema import judgement
from cxtools.ledger.streak import Streak
from cxtools.text import canonical_json


@dataclass(frozen=True)
class Judgement:
    """
    One campaign verdict.

    `about` is what was judged, `as_of` up to which moment (Unix time in seconds; None: all that was
    known), `checks` JSON, `page` where it is shown ("" where it isn't), `cost` what making it took
    in seconds (None: not measured).
    """

    campaign: str
    about: str
    as_of: float | None
    word: str
    checks: str
    rules_digest: str
    data_digest: str
    page: str = ""
    cost: float | None = None


#: What makes a judgement the same one when it is made again.
IDENTITY = ("campaign", "about", "as_of", "word", "checks", "rules_digest", "data_digest")
NAMES = [column.name for column in fields(Judgement)]


class Judgements:
    """The campaign verdicts that one ledger keeps."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._now = now

    def keep(self, made: Judgement) -> None:
        """Write a judgement; the same as the last one of its campaign is not kept again."""
        with self._database.writing() as tx:
            self.keep_in(tx, made)

    def keep_in(self, tx: sa.Connection, made: Judgement) -> str:
        """The same in a transaction of the caller's; returns the id of the row that says it now."""
        row = asdict(made)
        identity = {name: row[name] for name in IDENTITY}
        last = tx.execute(_latest(made.campaign, made.about).limit(1)).first()
        if last is not None:
            before = dict(last._mapping)
            if identity == {name: before[name] for name in IDENTITY}:
                return str(before["id"])
            # where rules or data are what they once were, the judgement is another one all the same
            identity["after"] = before["id"]
        digest = hashlib.sha256(canonical_json(identity).encode())
        row["id"] = digest.hexdigest()
        row["made_at"] = self._now()
        insert_missing(tx, judgement, [row])
        return str(row["id"])

    def latest(self, campaign: str, about: str) -> Judgement | None:
        """The last judgement that was kept of a campaign; None where there is none."""
        for row in self._database.rows(_latest(campaign, about).limit(1)):
            return _judgement(row)
        return None

    def streak(self, campaign: str, about: str) -> Streak | None:
        """
        Since when a campaign has the word that it has, and which it had before; None where nobody
        judged it yet.
        """
        with self._database.reading() as tx:
            return self.streak_in(tx, campaign, about)

    def streak_in(self, tx: sa.Connection, campaign: str, about: str) -> Streak | None:
        """The same, as a transaction sees it."""
        first = None
        for row in tx.execute(_latest(campaign, about)):
            if first is not None and row.word != first.word:
                return Streak(first.word, first.id, first.made_at, before=row.word)
            first = row
        if first is None:
            return None
        return Streak(first.word, first.id, first.made_at)


def _latest(campaign: str, about: str) -> sa.Select[Any]:
    """A campaign's judgements, the last one first."""
    kept = sa.select(judgement).filter_by(campaign=campaign, about=about)
    return kept.order_by(judgement.c.made_at.desc())


def _judgement(row: Any) -> Judgement:
    return Judgement(**{name: getattr(row, name) for name in NAMES})
