"""Campaign verdicts that were kept: when, of which data, by which rules, with which word."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields

import sqlalchemy as sa

from cxtools.ledger.database import Database, insert_missing
from cxtools.ledger.schema import judgement
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
COLUMNS = [judgement.c[column.name] for column in fields(Judgement)]


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
        """Write a judgement; one that is there already stays as it is."""
        row = asdict(made)
        identity = {name: row[name] for name in IDENTITY}
        digest = hashlib.sha256(canonical_json(identity).encode())
        row["id"] = digest.hexdigest()
        row["made_at"] = self._now()
        with self._database.writing() as tx:
            insert_missing(tx, judgement, [row])

    def latest(self, campaign: str, about: str) -> Judgement | None:
        """The last judgement that was kept of a campaign; None where there is none."""
        kept = sa.select(*COLUMNS).filter_by(
            campaign=campaign,
            about=about,
        )
        last = kept.order_by(judgement.c.made_at.desc()).limit(1)
        for row in self._database.rows(last):
            return Judgement(*row)
        return None
