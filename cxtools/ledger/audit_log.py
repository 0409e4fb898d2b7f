"""
The audit log of a ledger: the entries of the chain in its database, their anchors and the key of
the pseudonyms in files beside it.

An entry is written in the transaction of the change it tells of; an anchor when an operation ends.
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
    JOB,
    POST,
    WEBHOOK,
    Anchor,
    Entry,
    Record,
    Verification,
    count_claims,
    mismatches,
    pseudonym,
    verify_chain,
)
from cxtools.ledger.database import Database, in_groups
from cxtools.ledger.schema import attempt, audit_entry, audit_head, batch, outbox
from cxtools.text import canonical_json

#: The file of the pseudonyms' key.
KEY = "audit-key"
#: Entries that are read at once: few enough for a slow reader (`cxtools audit export | less`) to
#: hold up nobody.
PORTION = 5000
#: Entries that are read at once where all of them are checked.
STREAMED = 1000
ANCHOR_LENGTH = 64
#: Below every number that a row can have; one that was tampered with may be negative.
BEFORE_ALL = -(1 << 31)
COLUMNS = list(audit_entry.c)


class AuditLog:
    """
    The audit log of one ledger.

    *home* is the folder of its anchors and key, None where there is none; *actor* is who the
    entries say did it.
    """

    def __init__(
        self,
        database: Database,
        *,
        home: Path | None,
        actor: str,
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._actor = actor
        self._now = now
        self._anchors: Path | None = None
        self._key: Path | None = None
        if home:
            self._anchors = home / _anchors_name(database.url)
            self._key = home / KEY

    def add(
        self,
        tx: sa.Connection,
        kind: str,
        people: Mapping[str, str] | None = None,
        **body: Any,
    ) -> None:
        """
        Write an entry in the transaction of the change it tells of.

        *people* (key -> reason) are named by pseudonyms; not at all where no key can be kept.
        """
        if people and self._key:
            body["people"] = _use_pseudonyms(people, self._key)
        following = audit_head.c.seq + 1
        move_on = audit_head.update().values(seq=following)
        moved = tx.execute(move_on.returning(audit_head.c.seq, audit_head.c.hash))
        seq, prev = moved.one()
        unsealed = Entry(
            seq=seq,
            at=self._now(),
            actor=self._actor,
            kind=kind,
            body=canonical_json(body),
            prev=prev,
        )
        entry = replace(unsealed, hash=unsealed.compute_hash())
        tx.execute(audit_entry.insert(), asdict(entry))
        tx.execute(audit_head.update().values(hash=entry.hash))

    def write(self, kind: str, people: Mapping[str, str] | None = None, **body: Any) -> None:
        """`add` for what changes nothing in the tables: in a transaction of its own, anchored."""
        with self._database.writing() as tx:
            self.add(tx, kind, people, **body)
        self.append_anchor()

    def entries(self, about: str = "") -> Iterator[Entry]:
        """
        The entries, oldest first; with a recipient's key *about*, those that name this person under
        the current key.
        """
        name = about
        if about and self._key:
            name = pseudonym(create_key(self._key), about)
        last = BEFORE_ALL
        portion = sa.select(*COLUMNS).order_by(audit_entry.c.seq).limit(PORTION)
        while True:
            rows = self._database.rows(portion.where(audit_entry.c.seq > last))
            if not rows:
                return
            for row in rows:
                entry = Entry(*row)
                last = entry.seq
                if name in entry.body:
                    yield entry

    def verify(self, anchors: Iterable[Anchor] = ()) -> Verification:
        """
        Check the log against itself, the ledger's head and tables, the anchor file, and *anchors*
        from reports and webhooks.
        """
        own_anchors = self._read_anchors()
        claims: Counter[Record] = Counter()
        with self._database.reading() as tx:
            entries = count_claims(_stream_entries(tx), claims)
            verification = verify_chain(
                entries,
                [*own_anchors, *anchors],
                head=self.head_in(tx),
            )
            if verification.faults:
                return verification
            records = _count_records(tx)
        return replace(verification, faults=tuple(mismatches(claims, records)))

    def head_in(self, tx: sa.Connection) -> Anchor:
        """Where the log ends, as a transaction sees it."""
        query = sa.select(audit_head.c.seq, audit_head.c.hash)
        seq, hash_ = tx.execute(query).one()
        return Anchor(seq, hash_)

    def head(self) -> Anchor:
        """Where the log ends."""
        with self._database.reading() as tx:
            return self.head_in(tx)

    def append_anchor(self) -> Anchor:
        """Write the log's head to the anchor file, and return it."""
        head = self.head()
        if self._anchors and head.seq:
            append_line(self._anchors, f"{head.seq} {head.hash}")
        return head

    def check_anchors(self) -> None:
        """
        Refuse a ledger that is older than its own anchors: whom it calls planned may have been
        mailed since.

        Every anchor is compared, since an older ledger may have grown meanwhile.

        Raises:
            StoreError: the row of an anchor is missing, or has another hash.
        """
        anchors = self._read_anchors()
        rows = [anchor.seq for anchor in anchors]
        hashes = self._hashes_of(rows)
        strange = [anchor.seq for anchor in anchors if hashes.get(anchor.seq) != anchor.hash]
        if not strange:
            return
        seq = min(strange)
        fault = (
            "isn't the one that was anchored" if seq in hashes else "was anchored, but is missing"
        )
        raise StoreError(
            f"the ledger doesn't go on from its own anchors, nothing was sent: row {seq} of its "
            f"audit log {fault}; was a backup restored?",
            where=str(self._anchors),
            do="bring the newer ledger back; if it is lost, find out by API or CRM what was sent "
            "since the backup, never send those campaigns from this ledger, and move the file of "
            "anchors away",
        )

    def forget_addresses(self) -> None:
        """
        Erase the key of the pseudonyms: no entry says any more whom it is about, and the chain
        verifies as before.
        """
        if self._key:
            erase(self._key)
        with self._database.writing() as tx:
            self.add(tx, "addresses.forgotten")
        self.append_anchor()

    def _read_anchors(self) -> list[Anchor]:
        return read_anchors(self._anchors) if self._anchors else []

    def _hashes_of(self, rows: list[int]) -> dict[int, str]:
        hashes: dict[int, str] = {}
        query = sa.select(audit_entry.c.seq, audit_entry.c.hash)
        with self._database.reading() as tx:
            for group in in_groups(rows):
                is_one = audit_entry.c.seq.in_(group)
                pairs = tx.execute(query.where(is_one))
                hashes.update(pairs.all())
        return hashes


def _stream_entries(tx: sa.Connection) -> Iterator[Entry]:
    query = sa.select(*COLUMNS).order_by(audit_entry.c.seq)
    stream = tx.execution_options(yield_per=STREAMED)
    for row in stream.execute(query):
        yield Entry(*row)


def _count_records(tx: sa.Connection) -> Counter[Record]:
    """What the tables hold, and the log must tell of."""
    records: Counter[Record] = Counter()
    has_job = batch.c.job_id.is_not(None)
    jobs = sa.select(batch.c.id, batch.c.job_id).where(has_job)
    for batch_id, job_id in tx.execute(jobs):
        records[JOB.what, batch_id, str(job_id)] += 1
    posts = sa.select(attempt.c.batch_id)
    for batch_id in tx.scalars(posts):
        records[POST.what, batch_id] += 1
    webhooks = sa.select(outbox.c.id)
    for webhook_id in tx.scalars(webhooks):
        records[WEBHOOK.what, webhook_id] += 1
    return records


def _anchors_name(url: sa.URL) -> str:
    """
    Each ledger has its own file of anchors, also where several share a home.

    >>> _anchors_name(sa.make_url("sqlite:////home/cx/ledger.sqlite"))
    'audit-anchors.txt'
    >>> _anchors_name(sa.make_url("postgresql+psycopg://cx:pw@db/mail"))
    'audit-anchors-db-mail.txt'
    """
    words = [word for word in (url.host, Path(url.database or "").stem) if word]
    if words == ["ledger"]:
        return "audit-anchors.txt"
    return f"audit-anchors-{'-'.join(words)}.txt"


def read_anchors(file: Path) -> list[Anchor]:
    """All anchors of the file; a last line that was cut off by a crash is not one."""
    if not file.exists():
        return []
    anchors = []
    lines = file.read_text().splitlines()
    for line in lines:
        match line.split():
            case [seq, hash_] if seq.isdigit() and len(hash_) == ANCHOR_LENGTH:
                anchors.append(Anchor(int(seq), hash_))
    return anchors


def create_key(file: Path) -> bytes:
    """
    The key of the pseudonyms, made where there is none; several processes that make one at once get
    the same.
    """
    return create_once(file, secrets.token_hex(32).encode())


def _use_pseudonyms(people: Mapping[str, str], key_file: Path) -> dict[str, str]:
    key = create_key(key_file)
    return {pseudonym(key, person): reason for person, reason in people.items()}
