"""
Who is erased, and how the rows of a ledger are written anew without them.

Slots, suppressions and the audit log know people by key or pseudonym and stay as they are: counts
don't change, the chain stays whole, and nobody who is erased is mailed again. Addresses stand in
three kinds of columns: the people of batches, from which the person goes; the bytes of POSTs, which
go as a whole; the bodies of webhooks and texts, in which a token takes the address's place.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from cxtools.erasures import Erasure, Erasures
from cxtools.ledger.audit_log import AuditLog
from cxtools.ledger.database import Database, in_groups, insert_missing
from cxtools.ledger.people import pack_people, unpack_people
from cxtools.ledger.schema import (
    TABLES,
    audit_entry,
    audit_head,
    batch,
    campaign,
    erasure,
    outbox,
    slot,
    suppression,
)
from cxtools.ledger.suppressions import ERASURE
from cxtools.model import Recipient

#: The kind of the audit entry.
ERASED = "person.erased"
#: Rows that are looked through at once.
PORTION = 100
#: Tables whose texts are ours, the sender's, or sealed.
WITHOUT_PEOPLE = frozenset({audit_entry.name, audit_head.name, campaign.name, slot.name})
Row = sa.Row[Any]


@dataclass(frozen=True)
class ErasedRows:
    """How many rows were written anew: batches, webhooks, and other rows with texts."""

    batches: int = 0
    webhooks: int = 0
    texts: int = 0

    @property
    def total(self) -> int:
        return self.batches + self.webhooks + self.texts


class KnownErasures:
    """The erasures that one ledger keeps."""

    def __init__(
        self, database: Database, audit_log: AuditLog, *, now: Callable[[], float]
    ) -> None:
        self._database = database
        self._audit_log = audit_log
        self._now = now

    def all(self) -> list[Erasure]:
        """Everyone who is erased, known by key."""
        query = sa.select(erasure.c.rcpt_key, erasure.c.token, erasure.c.domain)
        return [Erasure(*row) for row in self._database.rows(query.order_by(erasure.c.at))]

    def erased_at(self, key: str) -> float | None:
        """When a person was erased (Unix time); None for who wasn't."""
        with self._database.reading() as tx:
            return tx.scalar(sa.select(erasure.c.at).filter_by(rcpt_key=key))

    def erase(self, erasures: Erasures, reasons: Mapping[str, str]) -> ErasedRows:
        """
        Write without these people whatever names them, suppress them for good, and keep that they
        are erased, in one transaction. *reasons* (key -> reason) are of those who are erased now;
        the audit log tells of each once.
        """
        found = find_rows(self._database, erasures)
        with self._database.writing() as tx:
            erased = change_rows(tx, erasures, found)
            new = self._keep(tx, erasures, reasons)
            if new or erased.total:
                self._audit_log.add(
                    tx,
                    ERASED,
                    {key: reasons.get(key, "again") for key in new or erasures.people},
                    batches=erased.batches,
                    webhooks=erased.webhooks,
                    texts=erased.texts,
                )
        return erased

    def _keep(self, tx: sa.Connection, erasures: Erasures, reasons: Mapping[str, str]) -> list[str]:
        """Keep who is erased; those who weren't before."""
        known = set(tx.scalars(sa.select(erasure.c.rcpt_key)))
        new = [person for person in erasures.people.values() if person.key not in known]
        now = self._now()
        rows = []
        for person in new:
            reason = reasons.get(person.key, "")
            names = {"rcpt_key": person.key, "token": person.token, "domain": person.domain}
            rows.append({**names, "reason": reason, "at": now})
            tx.execute(suppression.delete().filter_by(rcpt_key=person.key))
            cause = {"reason": "erased", "campaign": ERASURE, "since": now}
            insert_missing(tx, suppression, [{"rcpt_key": person.key, **cause}])
        insert_missing(tx, erasure, rows)
        return [person.key for person in new]


@dataclass(frozen=True)
class FoundRows:
    """The rows that name somebody: ids of batches, ids of webhooks, and texts by table."""

    batches: list[str]
    webhooks: list[str]
    texts: dict[str, list[dict[str, Any]]]


def erase_in_copy(database: Database, erasures: Erasures) -> ErasedRows:
    """The same in a copy of a ledger, of any version, which nobody works with."""
    found = find_rows(database, erasures)
    if not (found.batches or found.webhooks or found.texts):
        return ErasedRows()
    with database.writing() as tx:
        return change_rows(tx, erasures, found)


def find_rows(database: Database, erasures: Erasures) -> FoundRows:
    """Which rows name somebody; read without holding up anyone."""
    batches = [
        row.id
        for row in _portions(database, batch, batch.c.candidates, batch.c.payload)
        if _names_people(row.candidates, row.payload, erasures)
    ]
    webhooks = [
        row.id
        for row in _portions(database, outbox, outbox.c.body)
        if _clean_body(row.body, erasures) != row.body
    ]
    return FoundRows(batches, webhooks, _texts_naming(database, erasures))


def _portions(database: Database, table: sa.Table[Any], *columns: sa.Column[Any]) -> Iterator[Row]:
    """All rows of a table by id, some at a time."""
    last = ""
    query = sa.select(table.c.id, *columns).order_by(table.c.id).limit(PORTION)
    while True:
        rows = database.rows(query.where(table.c.id > last))
        if not rows:
            return
        yield from rows
        last = rows[-1].id


def _names_people(candidates: bytes, payload: bytes | None, erasures: Erasures) -> bool:
    texts = [zlib.decompress(candidates).decode(), _text(payload or b"")]
    if not any(erasures.may_be_in(text) for text in texts):
        return False
    people = unpack_people(candidates)
    return _without(people, erasures) != people or _is_named(texts[1], erasures)


def _is_named(text: str, erasures: Erasures) -> bool:
    return erasures.clean(text) != text


def _without(people: Iterable[Recipient], erasures: Erasures) -> list[Recipient]:
    """Those who are not erased; what is sent to them names nobody who is."""
    kept = []
    for person in people:
        if person.key in erasures.people:
            continue
        fields = {name: erasures.clean(text) for name, text in person.merge_fields.items()}
        tags = tuple(erasures.clean(tag) for tag in person.tags)
        kept.append(Recipient(person.email, fields, tags))
    return kept


def _clean_body(body: bytes, erasures: Erasures) -> bytes:
    text = _text(body)
    cleaned = erasures.clean_line(text)
    return body if cleaned == text else cleaned.encode()


def _text(body: bytes) -> str:
    return body.decode(errors="replace")


def change_rows(tx: sa.Connection, erasures: Erasures, found: FoundRows) -> ErasedRows:
    """Write the rows anew, as they are by now."""
    for group in in_groups(found.batches):
        query = sa.select(batch.c.id, batch.c.candidates).where(batch.c.id.in_(group))
        for batch_id, candidates in tx.execute(query).all():
            people = _without(unpack_people(candidates), erasures)
            # The bytes of the POST are sent again only while its outcome is unknown; without them
            # it stays so until an operator settles it.
            columns = {"candidates": pack_people(people), "payload": None}
            tx.execute(batch.update().filter_by(id=batch_id).values(**columns))
    for group in in_groups(found.webhooks):
        bodies = sa.select(outbox.c.id, outbox.c.body).where(outbox.c.id.in_(group))
        for webhook_id, body in tx.execute(bodies).all():
            cleaned = _clean_body(body, erasures)
            tx.execute(outbox.update().filter_by(id=webhook_id).values(body=cleaned))
    texts = 0
    for name, rows in found.texts.items():
        table = TABLES.tables[name]
        for row in rows:
            key = {column.name: row[column.name] for column in table.primary_key}
            change = {column: text for column, text in row.items() if column not in key}
            texts += tx.execute(table.update().filter_by(**key).values(**change)).rowcount
    return ErasedRows(len(found.batches), len(found.webhooks), texts)


def _texts_naming(database: Database, erasures: Erasures) -> dict[str, list[dict[str, Any]]]:
    """By table, the rows whose texts name somebody: their keys, and the texts as they are to be."""
    found: dict[str, list[dict[str, Any]]] = {}
    with database.reading() as tx:
        inspector = sa.inspect(tx)
        present = {name: _columns_of(inspector, name) for name in inspector.get_table_names()}
        for name, table in TABLES.tables.items():
            columns = _text_columns(table, present.get(name, set()))
            if columns:
                rows = [*_rows_naming(tx, table, columns, erasures)]
                if rows:
                    found[name] = rows
    return found


def _columns_of(inspector: Any, name: str) -> set[str]:
    return {column["name"] for column in inspector.get_columns(name)}


def _text_columns(table: sa.Table[Any], present: set[str]) -> list[sa.Column[Any]]:
    if table.name in WITHOUT_PEOPLE:
        return []
    return [
        column
        for column in table.c
        if isinstance(column.type, sa.Text) and not column.primary_key and column.name in present
    ]


def _rows_naming(
    tx: sa.Connection,
    table: sa.Table[Any],
    columns: list[sa.Column[Any]],
    erasures: Erasures,
) -> Iterator[dict[str, Any]]:
    hints = {person.local_part or person.domain for person in erasures.people.values()}
    for group in in_groups(sorted(hints)):
        is_hint = []
        for column in columns:
            lower = sa.func.lower(column)
            is_hint += [lower.contains(hint.lower(), autoescape=True) for hint in group]
        query = sa.select(*table.primary_key, *columns).where(sa.or_(*is_hint))
        for row in tx.execute(query).mappings().all():
            texts = {column.name: row[column.name] for column in columns}
            cleaned = {name: _clean_text(text, erasures) for name, text in texts.items()}
            if cleaned != texts:
                yield {**row, **cleaned}


def _clean_text(text: str | None, erasures: Erasures) -> str | None:
    return erasures.clean_line(text) if text else text
