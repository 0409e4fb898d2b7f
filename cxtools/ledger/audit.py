"""
The audit chain, pure: what a row's hash is over, how a chain is checked, compared with the tables
and exported. `trail` writes it.

Each row's hash covers its own fields and the hash before it, so an edited, deleted, inserted or
swapped row breaks the chain at a known place. A chain can't show that its tail was cut off: for
that the ledger keeps its head. Nor that all of it was computed anew: for that (seq, hash) anchors
stand outside the database, in a file beside the ledger, in every webhook and in the footer of every
report. Nor that the tables were changed behind its back: for that POSTs, jobs and webhooks are
counted on both sides.

A person is named in a row by a pseudonym: an HMAC of the recipient key. Its key lies beside the
ledger, too; when it is erased, the chain still verifies and no row tells any more whom it is about.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, fields
from datetime import UTC, datetime

from cxtools.text import safe_cell

VERSION = "cxaudit/1"
GENESIS = "0" * 64

#: Where a row stands in the chain, and its hash, or how that begins.
Anchor = tuple[int, str]


@dataclass(frozen=True)
class Entry:
    """
    One row of the trail: `at` is Unix time in seconds, `body` canonical JSON, `prev` the hash
    before it.
    """

    seq: int
    at: float
    actor: str
    kind: str
    body: str
    prev: str
    hash: str = ""

    def sealed(self) -> str:
        """
        The hash of this row: SHA-256 over its fields, each with its length before it, so that no
        two rows can be confused.

        >>> Entry(1, 0.0, "ops", "x", "{}", GENESIS).sealed()[:16]
        '8b24957146975f72'
        """
        parts = [
            part.encode()
            for part in (str(self.seq), self.prev, repr(self.at), self.actor, self.kind, self.body)
        ]
        return hashlib.sha256(
            VERSION.encode() + b"".join([len(part).to_bytes(8, "big") + part for part in parts])
        ).hexdigest()


@dataclass(frozen=True)
class Verified:
    """
    What a check of the trail found: how many rows, the head to anchor, every fault as a sentence,
    and the first row that is no good.
    """

    rows: int
    head: str
    faults: tuple[str, ...] = ()
    first_bad: int | None = None


def verified(
    entries: Iterable[Entry], anchors: Iterable[Anchor] = (), *, head: Anchor | None = None
) -> Verified:
    """
    Check the chain row by row, then that it ends at *head*, and that each anchor's row is there and
    has the anchored hash.
    """
    found: list[tuple[int, str]] = []
    hashes: dict[int, str] = {}
    wanted = sorted(set(anchors))
    rows = {seq for seq, _ in wanted}
    seq, prev = 0, GENESIS
    for entry in entries:
        if entry.seq != seq + 1 or entry.prev != prev or entry.sealed() != entry.hash:
            found += _breaks(entry, seq + 1, prev)
        seq, prev = entry.seq, entry.hash
        if seq in rows:
            hashes[seq] = prev
    if head not in (None, (seq, prev)):
        found.append(
            (
                seq,
                f"the trail ends at row {seq}, but the ledger's head is row {head[0]}: the end was cut off, changed or put on",
            )
        )
    found += _unanchored(wanted, hashes, seq)
    return Verified(
        seq,
        prev,
        tuple(sentence for _, sentence in found),
        min((row for row, _ in found), default=None),
    )


def _breaks(entry: Entry, expected_seq: int, prev: str) -> Iterator[tuple[int, str]]:
    """What is wrong between a row and the one before it, as (row, sentence)."""
    if entry.seq != expected_seq:
        gap = (
            f"row {expected_seq} is"
            if entry.seq == expected_seq + 1
            else f"rows {expected_seq} to {entry.seq - 1} are"
        )
        yield expected_seq, f"{gap} missing: row {entry.seq} follows row {expected_seq - 1}"
    elif entry.prev != prev:
        yield (
            entry.seq,
            f"row {entry.seq} doesn't follow row {entry.seq - 1}: a row before it was changed, removed or put in",
        )
    if entry.sealed() != entry.hash:
        yield entry.seq, f"row {entry.seq} ({entry.kind}) was changed after it was written"


def _unanchored(
    wanted: Iterable[Anchor], hashes: dict[int, str], last: int
) -> Iterator[tuple[int, str]]:
    """
    Where the trail isn't the one that was anchored outside the ledger: at most one fault of each
    kind.
    """
    good, strange, newest = 0, 0, 0
    for row, hash_ in wanted:
        fits = hashes.get(row, "").startswith(hash_)
        good = row if fits and not strange else good
        strange = strange or (row if row in hashes and not fits else 0)
        newest = row if row not in hashes and row > last else newest
        if row not in hashes and row <= last:
            yield row, f"row {row}, which was anchored outside the ledger, is missing"
    if strange:
        yield (
            good + 1,
            f"the trail was computed anew: among rows {good + 1} to {strange} is another than was anchored outside the ledger",
        )
    if newest:
        yield (
            last + 1,
            (
                f"rows {last + 1} to {newest} are missing: row {newest} was anchored outside the ledger, the trail ends at row "
                f"{last}: its end was cut off, or the ledger was replaced by an older backup"
            ),
        )


#: Something that trail and tables must agree on: a POST (batch), a job (batch, job id), a webhook
#: (id).
Thing = tuple[str, ...]
#: kind of row -> what it tells of, and the fields of its body that name it
TOLD = {
    "submit.intent": ("POST of batch", "batch"),
    "submit.again": ("POST of batch", "batch"),
    "submit.accepted": ("job of batch", "batch", "job_id"),
    "batch.reconciled": ("job of batch", "batch", "job_id"),
    "webhook.queued": ("webhook", "id"),
}


def overheard(entries: Iterable[Entry], told: Counter[Thing]) -> Iterator[Entry]:
    """The same entries; what they tell of is counted in *told* as they pass."""
    for entry in entries:
        if found := TOLD.get(entry.kind):
            with suppress(ValueError):  # a body that is no JSON was changed, which the chain shows
                body = json.loads(entry.body)
                if all(names := [str(body.get(name) or "") for name in found[1:]]):
                    told[found[0], *names] += 1
        yield entry


def contradictions(told: Counter[Thing], held: Counter[Thing]) -> Iterator[str]:
    """
    Where the trail and the tables that it tells of don't agree: rows of the tables were changed,
    removed or put in.

    >>> list(contradictions(Counter(), Counter({("webhook", "msg_1"): 1})))
    ['the ledger holds webhook msg_1, of which the trail does not tell']
    """
    yield from (
        f"the ledger holds {' '.join(thing)}, of which the trail does not tell"
        for thing in held - told
    )
    yield from (
        f"the trail tells of {' '.join(thing)}, which the ledger does not hold"
        for thing in told - held
    )


def pseudonym(key: bytes, rcpt_key: str) -> str:
    """
    How a row names a person: the same for the same key, and telling nothing without it.

    >>> pseudonym(b"k", "ab12") == pseudonym(b"k", "ab12"), pseudonym(b"k", "ab12") == pseudonym(b"other", "ab12")
    (True, False)
    """
    return hmac.new(key, rcpt_key.encode(), hashlib.sha256).hexdigest()[:32]


def export_json(entries: Iterable[Entry]) -> Iterator[str]:
    """The trail as one JSON list, a row a line."""
    before = "["
    for entry in entries:
        yield f"{before}\n{json.dumps({'time': _time(entry)} | asdict(entry), ensure_ascii=False)}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def export_csv(entries: Iterable[Entry]) -> Iterator[str]:
    """
    The trail as CSV for a spreadsheet; cells that a spreadsheet would run as a formula are defused
    with an apostrophe.
    """
    yield ",".join(["time", *(each.name for each in fields(Entry))]) + "\r\n"
    for entry in entries:
        yield (
            ",".join(
                '"' + safe_cell(str(cell)).replace('"', '""') + '"'
                for cell in (_time(entry), *astuple(entry))
            )
            + "\r\n"
        )


def _time(entry: Entry) -> str:
    return datetime.fromtimestamp(entry.at, UTC).isoformat(timespec="seconds")
