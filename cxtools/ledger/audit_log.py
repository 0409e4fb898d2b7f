"""
The trail of a ledger: the rows of the audit chain in its database, their anchors and the key of the
pseudonyms in files beside it.

A row is written in the transaction of the change it tells of; an anchor when a deed is done.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cxtools.errors import StoreError
from cxtools.files import append_line, create_once, erase
from cxtools.ledger.audit import (
    Anchor,
    Entry,
    Thing,
    Verified,
    contradictions,
    overheard,
    pseudonym,
    verified,
)
from cxtools.ledger.database import Database, groups
from cxtools.ledger.schema import attempt, batch, head, outbox, trail
from cxtools.text import canonical_json

#: the file of the pseudonyms' key
KEY = "audit-key"


class Trail:
    """
    The trail of one ledger; *home* is the folder of its anchors and key, None where there is none.
    """

    def __init__(
        self, database: Database, *, home: Path | None, actor: str, now: Callable[[], float]
    ) -> None:
        self._database, self._home, self._actor, self._now = database, home, actor, now
        self._anchors = home / _anchors_name(database.url) if home else None

    def add(self, tx: sa.Connection, kind: str, **body: Any) -> None:
        """Write a row that tells of *kind*, in the transaction of what it tells."""
        seq = tx.execute(
            head.update().values(seq=head.c.seq + 1).returning(head.c.seq)
        ).scalar_one()
        prev = tx.execute(sa.select(head.c.hash)).scalar_one()
        entry = Entry(seq, self._now(), self._actor, kind, canonical_json(body), prev)
        tx.execute(trail.insert().values(**asdict(entry) | {"hash": entry.sealed()}))
        tx.execute(head.update().values(hash=entry.sealed()))

    def entries(self, about: str = "") -> Iterator[Entry]:
        """
        The audit trail, row by row; with a recipient's key *about*, the rows that name that person
        under the key of now.
        """
        whom = "".join(self.about({about: ""}).get("people", {about})) if about else ""
        last = -(
            1 << 31
        )  # in portions, so that a slow reader (`cxtools audit export | less`) holds up nobody
        while rows := self._database.rows(
            sa.select(trail).where(trail.c.seq > last).order_by(trail.c.seq).limit(5000)
        ):
            yield from (entry for row in map(tuple, rows) if whom in (entry := Entry(*row)).body)
            last = rows[-1].seq

    def verify(self, anchors: Iterable[Anchor] = ()) -> Verified:
        """
        Check the trail against itself, the ledger's head and tables, the anchor file, and *anchors*
        from reports and webhooks.
        """
        known, told = read_anchors(self._anchors) if self._anchors else [], Counter[Thing]()
        with self._database.reading() as tx:
            found = verified(
                overheard(_entries(tx), told), [*known, *anchors], head=self.head_in(tx)
            )
            return (
                found
                if found.faults
                else replace(found, faults=tuple(contradictions(told, _held(tx))))
            )

    def head_in(self, tx: sa.Connection) -> Anchor:
        """Where the trail ends, as a transaction sees it."""
        seq, hash_ = tx.execute(sa.select(head.c.seq, head.c.hash)).one()
        return seq, hash_

    def head(self) -> Anchor:
        """Where the trail ends."""
        with self._database.reading() as tx:
            return self.head_in(tx)

    def anchor(self) -> Anchor:
        """Write the trail's head to the anchor file, and return it."""
        seq, hash_ = self.head()
        if self._anchors and seq:
            append_line(self._anchors, f"{seq} {hash_}")
        return seq, hash_

    def check_anchor(self) -> None:
        """
        Refuse a ledger that is older than its own anchors: whom it calls planned may have been
        mailed since.

        Raises:
            StoreError: the row of an anchor is missing, or another one. Each is looked at, since
            the older ledger may have grown since.
        """
        known = read_anchors(self._anchors) if self._anchors else []
        rows = sa.select(trail.c.seq, trail.c.hash)
        with self._database.reading() as tx:
            held = {
                row.seq: row.hash
                for some in groups(seq for seq, _ in known)
                for row in tx.execute(rows.where(trail.c.seq.in_(some)))
            }
        if strange := [seq for seq, hash_ in known if held.get(seq) != hash_]:
            seq = min(strange)
            raise StoreError(
                f"the ledger isn't the one of before, nothing was sent: row {seq} of its audit trail, which was anchored, is "
                f"{'another' if seq in held else 'missing'}; was a backup restored?",
                where=str(self._anchors),
                do="bring the newer ledger back; if it is lost, find out by API or CRM what was sent since the backup, "
                "never send those campaigns from this ledger, and move the file of anchors away",
            )

    def forget_addresses(self) -> None:
        """
        Erase the key of the trail's pseudonyms: no row says any more whom it is about, and the
        chain verifies as before.
        """
        if self._home:
            erase(self._home / KEY)
        with self._database.writing() as tx:
            self.add(tx, "addresses.forgotten")
        self.anchor()

    def about(self, people: Mapping[str, str]) -> dict[str, Any]:
        """The people of a row (key -> reason), each by a pseudonym."""
        if not people or not self._home:
            return {}
        key = read_key(self._home / KEY)
        return {"people": {pseudonym(key, person): reason for person, reason in people.items()}}


def _entries(tx: sa.Connection) -> Iterator[Entry]:
    return (
        Entry(*row)
        for row in tx.execution_options(yield_per=1000).execute(
            sa.select(trail).order_by(trail.c.seq)
        )
    )


def _held(tx: sa.Connection) -> Counter[Thing]:
    """What the tables hold and the trail must tell of."""
    jobs = sa.select(batch.c.id, batch.c.job_id).where(batch.c.job_id.is_not(None))
    held = Counter[Thing](("job of batch", *row) for row in tx.execute(jobs))
    held.update(
        ("POST of batch", batch_id) for batch_id in tx.scalars(sa.select(attempt.c.batch_id))
    )
    held.update(("webhook", hook_id) for hook_id in tx.scalars(sa.select(outbox.c.id)))
    return held


def _anchors_name(url: sa.URL) -> str:
    """
    Each ledger has its own file of anchors, also where several share a home.

    >>> [_anchors_name(sa.make_url(text)) for text in ("sqlite:////home/cx/ledger.sqlite", "postgresql+psycopg://cx:pw@db/mail")]
    ['audit-anchors.txt', 'audit-anchors-db-mail.txt']
    """
    words = [word for word in (url.host, Path(url.database or "").stem) if word]
    return "audit-anchors.txt" if words == ["ledger"] else f"audit-anchors-{'-'.join(words)}.txt"


def read_anchors(file: Path) -> list[Anchor]:
    """All anchors of the file; a last line that was cut off by a crash is no anchor."""
    if not file.exists():
        return []
    lines = (line.split() for line in file.read_text().splitlines())
    return [
        (int(parts[0]), parts[1])
        for parts in lines
        if len(parts) == 2 and parts[0].isdigit() and len(parts[1]) == 64
    ]


def read_key(file: Path) -> bytes:
    """
    The key of the pseudonyms, made where there is none; several processes that make one at once get
    the same.
    """
    return create_once(file, secrets.token_hex(32).encode())
