"""
Erase people from all that a home keeps, and keep them erased.

    erasures.txt          who is erased: key, token, domain. Written before anything else, so that
                          whatever was killed or brought back is finished by the next round
    events                parts are written anew, layers of messages made of them go
    segments              what was sent with each recipient, as the store keeps it
    ledger                people of batches, bytes of POSTs, webhooks, texts; suppressed for good
    copies of the ledger  that an upgrade made
    documents             pages, executed notebooks, files that the inbox took in, rows set aside
    erasures-seen.json    which files were looked through; what isn't in it, or has changed since,
                          is looked through by the next round
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxtools.erasures import TOKEN, Erasure, Erasures, line_of
from cxtools.errors import ConfigError
from cxtools.events.erasure import read_erasures
from cxtools.events.replacements import PARTS
from cxtools.files import append_line, write_whole
from cxtools.identity import recipient_key
from cxtools.ledger.database import Database
from cxtools.ledger.erasures import ErasedRows, erase_in_copy
from cxtools.people.addresses import addresses_in_parts, addresses_in_plans
from cxtools.people.documents import (
    clean_document,
    cleaned_content,
    kept_documents,
    own_documents,
)
from cxtools.sending.address import planned_address
from cxtools.text import safe_line
from cxtools.wording import count, quantity

if TYPE_CHECKING:
    from cxtools.connection import Connection

SEEN = "erasures-seen.json"
#: Bytes of a token that are by chance.
TOKEN_BYTES = 8
#: Copies of the ledger that an upgrade made: those that can be changed, and those that can't.
COPIES = "*-version-*.sqlite"
DUMPS = "*-version-*.dump"
LONGEST_REASON = 300


@dataclass(frozen=True)
class Forgotten:
    """
    What an erasure changed, and what is left to do.

        parts        files of events that were written anew
        segments     files of segments that were written anew
        batches, webhooks, texts   rows of the ledger
        documents    pages, notebooks and files of the inbox
        yours        files of the user's own that still name the person, below the home
        unreadable   copies of the ledger that can't be changed
    """

    parts: int = 0
    segments: int = 0
    batches: int = 0
    webhooks: int = 0
    texts: int = 0
    documents: int = 0
    yours: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether nobody was named anywhere."""
        return not any(
            [self.parts, self.segments, self.batches, self.webhooks, self.texts, self.documents]
        )

    def to_dict(self) -> dict[str, Any]:
        """The document that `--json` prints."""
        return asdict(self)

    @property
    def summary(self) -> str:
        """How much was written anew."""
        batches = "1 batch" if self.batches == 1 else f"{count(self.batches)} batches"
        numbers = (
            quantity(self.parts, "file") + " of events",
            quantity(self.segments, "file") + " of segments",
            batches,
            quantity(self.webhooks, "webhook"),
            quantity(self.texts, "other row") + " of the ledger",
            quantity(self.documents, "document"),
        )
        return f"written anew: {', '.join(numbers)}"

    def __str__(self) -> str:
        lines = [self.summary]
        if self.yours:
            lines.append(f"still named in files of yours: {', '.join(self.yours)}")
        if self.unreadable:
            lines.append(f"copies that can't be changed: {', '.join(self.unreadable)}")
        lines.append(
            "not reached: lists and pages outside of the home, backups, what the CRM and the "
            "sending platform were told"
        )
        return "\n".join(lines)


def forget(client: Connection, address: str, reason: str) -> Forgotten:
    """
    Erase a person from all that the home keeps; counts stay, and the person stays suppressed.

    Killed anywhere, the same again, or the next round of `cxtools refresh`, finishes.

    Raises:
        ConfigError: that is not an address, or there is no reason.
        StoreError: something can't be read or written, or another process merges parts.
    """
    try:
        email = planned_address(address)
    except ValueError:
        raise ConfigError("that is not an address", do="write one, as name@example.com") from None
    if not reason.strip():
        raise ConfigError("an erasure needs a reason", do="say --reason, as in the person's words")
    finish_earlier(client)
    person = replace(_person(client, email), address=email)
    reasons = {person.key: safe_line(reason, LONGEST_REASON)}
    erasures = Erasures([person])
    everything = ToDo(frozenset(_looked_through(client)), ledger=True)
    forgotten = _erase(client, erasures, reasons, everything)
    _keep_seen(client)
    home = client.settings.home
    yours = [file for file in own_documents(home) if cleaned_content(file, home, erasures)]
    return replace(
        forgotten,
        yours=tuple(str(file.relative_to(home)) for file in yours),
        unreadable=tuple(file.name for file in sorted(home.glob(DUMPS))),
    )


def finish_earlier(client: Connection) -> Forgotten:
    """
    Erase again whoever is erased and named in what came since: a backup that was restored, files
    that were taken in. Nothing that was looked through before is looked through again.
    """
    erasures = all_erasures(client)
    todo = _to_do(client, erasures)
    if not todo.is_something:
        return Forgotten()
    forgotten = _erase(client, _with_addresses(client, erasures, todo), {}, todo)
    _keep_seen(client)
    return forgotten


def is_due(client: Connection) -> bool:
    """Whether somebody is erased, and something came since that was not looked through for them."""
    return _to_do(client, all_erasures(client)).is_something


@dataclass(frozen=True)
class ToDo:
    """
    What is to be looked through: these files, and the ledger.
    """

    files: frozenset[Path]
    ledger: bool

    @property
    def is_something(self) -> bool:
        return bool(self.files) or self.ledger


def _to_do(client: Connection, erasures: Erasures) -> ToDo:
    """What was not looked through yet for those who are erased."""
    if not erasures:
        return ToDo(frozenset(), False)
    seen = _read_seen(client.settings.home, erasures)
    files = frozenset(
        file for file in _looked_through(client) if seen.get(str(file)) != _state(file)
    )
    ledger = client.has_ledger and (not seen or _ledger_is_behind(client, erasures))
    return ToDo(files, ledger)


def all_erasures(client: Connection) -> Erasures:
    """Who is erased by the home's file or by the ledger; each learns of those of the other."""
    file = client.settings.erasures_file
    erasures = read_erasures(file)
    if client.has_ledger:
        for person in client.ledger.erasures.all():
            if person.key not in erasures.people:
                append_line(file, line_of(person))
    return read_erasures(file)


def _person(client: Connection, email: str) -> Erasure:
    """The person of an address, as known from earlier; a new one is written down first."""
    key = recipient_key(email)
    known = read_erasures(client.settings.erasures_file).people.get(key)
    if known:
        return known
    token = f"{TOKEN}{secrets.token_hex(TOKEN_BYTES)}"
    domain = email.rpartition("@")[2].lower()
    person = Erasure(key, token, domain)
    append_line(client.settings.erasures_file, line_of(person))
    return person


def _with_addresses(client: Connection, erasures: Erasures, todo: ToDo) -> Erasures:
    """The same people, with the address where one is still held: it finds more than a key."""
    keys = erasures.people.keys()
    parts = [file for file in todo.files if file.match(PARTS)]
    emails = addresses_in_parts(parts, keys)
    if todo.ledger:
        emails |= addresses_in_plans(client, keys)
    people = erasures.people.values()
    return Erasures(replace(person, address=emails.get(person.key, "")) for person in people)


def _erase(
    client: Connection, erasures: Erasures, reasons: dict[str, str], todo: ToDo
) -> Forgotten:
    home = client.settings.home
    parts = 0
    for campaign in client.store.campaigns():
        parts += client.store.erase(campaign, erasures, lambda file: file not in todo.files)
    if todo.ledger and client.has_ledger:
        _keep_segments(client, erasures)
    segments = client.store.erase_segments(erasures)
    documents = 0
    for file in kept_documents(home):
        if file in todo.files:
            documents += clean_document(file, home, erasures)
    rows = ErasedRows()
    if todo.ledger:
        rows = _erase_in_ledgers(client, erasures, reasons)
    return Forgotten(parts, segments, rows.batches, rows.webhooks, rows.texts, documents)


def _keep_segments(client: Connection, erasures: Erasures) -> None:
    """
    Keep what was sent with these people, before the ledger forgets it: each split stays what it is.
    """
    batches = set(client.ledger.batches.of_people(erasures.people))
    for campaign in {row.campaign for row in client.ledger.batches.rows() if row.id in batches}:
        client.segments_of(campaign).keep_draft()


def _erase_in_ledgers(
    client: Connection, erasures: Erasures, reasons: dict[str, str]
) -> ErasedRows:
    """In the ledger, which is made where there is none: it is what keeps the person suppressed."""
    rows = client.ledger.erasures.erase(erasures, reasons)
    client.ledger.scrub()
    client.ledger.audit_log.append_anchor()
    for copy in client.settings.home.glob(COPIES):
        database = Database(f"sqlite:///{copy}")
        if erase_in_copy(database, erasures).total:
            database.scrub()
        database.close()
    return rows


def _ledger_is_behind(client: Connection, erasures: Erasures) -> bool:
    """Whether the ledger doesn't know of an erasure, or was given a plan that names somebody."""
    known = {person.key for person in client.ledger.erasures.all()}
    if erasures.people.keys() - known:
        return True
    for batch_id in client.ledger.batches.of_people(erasures.people):
        keys = {person.key for person in client.ledger.batches.candidates(batch_id)}
        if keys & erasures.people.keys():
            return True
    return False


def _looked_through(client: Connection) -> Iterator[Path]:
    """
    What erasures look through: parts, layers of messages that are out of date, segments, documents,
    copies of the ledger.
    """
    for campaign in client.store.campaigns():
        yield from client.store.parts(campaign)
        yield from client.store.stale_layers(campaign)
    yield from client.store.segment_files()
    yield from kept_documents(client.settings.home)
    yield from client.settings.home.glob(COPIES)


def _keep_seen(client: Connection) -> None:
    """Keep which files were looked through, for all who are erased."""
    files = {str(file): _state(file) for file in _looked_through(client)}
    document = {"people": _digest(all_erasures(client)), "files": files}
    write_whole(client.settings.home / SEEN, json.dumps(document).encode())


def _read_seen(home: Path, erasures: Erasures) -> dict[str, list[int]]:
    """The files that were looked through for these people, and what they were like then."""
    if not (home / SEEN).exists():
        return {}
    document = json.loads((home / SEEN).read_bytes())
    if document["people"] != _digest(erasures):
        return {}
    files: dict[str, list[int]] = document["files"]
    return files


def _state(file: Path) -> list[int]:
    stat = file.stat()
    return [stat.st_size, stat.st_mtime_ns]


def _digest(erasures: Erasures) -> str:
    return hashlib.sha256("\n".join(sorted(erasures.people)).encode()).hexdigest()
