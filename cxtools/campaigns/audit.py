"""
The audit trail: a hash chain over canonical rows, written in the transaction of the change it tells of.

Each row's hash covers its own fields and the hash before it, so an edited, deleted, inserted or swapped row
breaks the chain at a known place. A chain can't show that its tail was cut off: for that the ledger keeps its head.
Nor that all of it was computed anew: for that (seq, hash) anchors stand outside the database, in `audit-anchors.txt`
beside the ledger.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path

VERSION = "cxaudit/1"
GENESIS = "0" * 64


@dataclass(frozen=True)
class Entry:
    """One row of the trail: `at` is Unix time in seconds, `body` canonical JSON, `prev` the hash before it."""

    seq: int
    at: float
    actor: str
    kind: str
    body: str
    prev: str
    hash: str = ""

    def sealed(self) -> str:
        """
        The hash of this row: SHA-256 over its fields, each with its length before it, so that no two rows can be confused.

        >>> Entry(1, 0.0, "ops", "x", "{}", GENESIS).sealed()[:16]
        '8b24957146975f72'
        """
        digest = hashlib.sha256(VERSION.encode())
        for part in (str(self.seq), self.prev, repr(self.at), self.actor, self.kind, self.body):
            raw = part.encode()
            digest.update(len(raw).to_bytes(8, "big") + raw)
        return digest.hexdigest()


@dataclass(frozen=True)
class Verified:
    """What a check of the trail found: how many rows, the head to anchor, and every fault as a sentence."""

    rows: int
    head: str
    faults: tuple[str, ...]


def verified(entries: Iterable[Entry], anchors: Iterable[tuple[int, str]] = (), *, head: tuple[int, str] | None = None) -> Verified:
    """Check the chain row by row, then that it ends at *head*, and that each anchor's row is there and has the anchored hash."""
    faults: list[str] = []
    known: dict[int, str] = {}
    wanted = set(anchors)
    rows = {seq for seq, _ in wanted}
    seq, prev = 0, GENESIS
    for entry in entries:
        faults.extend(_breaks(entry, seq + 1, prev))
        seq, prev = entry.seq, entry.hash
        if seq in rows:
            known[seq] = prev
    if head not in (None, (seq, prev)):
        faults.append(f"the trail ends at row {seq}, but the ledger's head is row {head[0]}: the end was cut off, changed or put on")
    for at, hash_ in sorted(wanted):
        if at not in known:
            faults.append(f"row {at} is missing: it was anchored outside the ledger, the trail ends at row {seq}")
        elif known[at] != hash_:
            faults.append(f"row {at} isn't the row that was anchored outside the ledger: the trail was computed anew")
    return Verified(seq, prev, tuple(faults))


def _breaks(entry: Entry, expected_seq: int, prev: str) -> Iterator[str]:
    if entry.seq != expected_seq:
        yield f"row {expected_seq} is missing: row {entry.seq} follows row {expected_seq - 1}"
    elif entry.prev != prev:
        yield f"row {entry.seq} doesn't follow row {entry.seq - 1}: a row before it was changed, removed or put in"
    if entry.sealed() != entry.hash:
        yield f"row {entry.seq} ({entry.kind}) was changed after it was written"


def drop_anchor(file: Path, seq: int, hash_: str) -> None:
    """Append (seq, hash) to the anchor file and make it durable."""
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, f"{seq} {hash_}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def read_anchors(file: Path) -> list[tuple[int, str]]:
    """All anchors of the file; a last line that was cut off by a crash is no anchor."""
    if not file.exists():
        return []
    lines = (line.split() for line in file.read_text().splitlines())
    return [(int(parts[0]), parts[1]) for parts in lines if len(parts) == 2 and parts[0].isdigit() and len(parts[1]) == 64]


def export_json(entries: Iterable[Entry]) -> Iterator[str]:
    """The trail as JSON lines."""
    return (json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in entries)


def export_csv(entries: Iterable[Entry]) -> Iterator[str]:
    """The trail as CSV for a spreadsheet; cells that a spreadsheet would run as a formula are defused with an apostrophe."""
    yield ",".join(each.name for each in fields(Entry)) + "\r\n"
    for entry in entries:
        yield ",".join('"' + defused(str(cell)).replace('"', '""') + '"' for cell in astuple(entry)) + "\r\n"


def defused(cell: str) -> str:
    """
    A cell that no spreadsheet takes for a formula (OWASP: CSV injection).

    >>> defused("=1+2"), defused(" @x"), defused("plain")
    ("'=1+2", "' @x", 'plain')
    """
    return f"'{cell}" if cell.lstrip()[:1] in tuple("=+-@|＝＋－＠") or cell[:1] in ("\t", "\r", "\n") else cell
