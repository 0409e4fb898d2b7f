"""
The chain of the audit log, pure: what an entry's hash covers, how a chain is checked, compared with
the tables and exported. `audit_log` writes it.

Each entry's hash covers its own fields and the hash before it, so an edited, deleted, inserted or
swapped entry breaks the chain at a known place. A chain can't show that its tail was cut off: for
that the ledger keeps its head. Nor that all of it was computed anew: for that anchors (seq, hash)
stand outside the database, in a file beside the ledger, in every webhook and in the footer of every
report. Nor that the tables were changed behind its back: for that POSTs, jobs and webhooks are
counted on both sides.

A person is named in an entry by a pseudonym: an HMAC of the recipient key. Its key lies beside the
ledger, too; when it is erased, the chain still verifies, and no entry tells any more whom it is
about.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, astuple, dataclass, fields
from datetime import UTC, datetime
from typing import NamedTuple

from cxtools.errors import ConfigError
from cxtools.text import safe_cell

VERSION = "cxaudit/1"
GENESIS = "0" * 64
PSEUDONYM_LENGTH = 32


class Anchor(NamedTuple):
    """Where an entry stands in the chain, and its hash or the first digits of it."""

    seq: int
    hash: str


def parse_anchor(text: str) -> Anchor:
    """
    An anchor as a report's footer or a webhook gives it.

    Raises:
        ConfigError: the text is something else.

    >>> parse_anchor("42:9f86d081884c7d65")
    Anchor(seq=42, hash='9f86d081884c7d65')
    """
    if not re.fullmatch(r"[0-9]+:[0-9a-f]{8,64}", text):
        raise ConfigError(
            f"an anchor is ROW:HASH, as 42:9f86d081884c7d65, not {text!r}",
            where="audit verify --anchor",
        )
    seq, _, hash_ = text.partition(":")
    return Anchor(int(seq), hash_)


@dataclass(frozen=True)
class Entry:
    """
    One entry of the audit log.

    `at` is Unix time in seconds, `body` canonical JSON, `prev` the hash of the entry before it.
    """

    seq: int
    at: float
    actor: str
    kind: str
    body: str
    prev: str
    hash: str = ""

    def compute_hash(self) -> str:
        """
        SHA-256 over the fields, each with its length before it, so that no two entries can be
        confused.

        >>> Entry(1, 0.0, "ops", "x", "{}", GENESIS).compute_hash()[:16]
        '8b24957146975f72'
        """
        texts = [
            str(self.seq),
            self.prev,
            repr(self.at),
            self.actor,
            self.kind,
            self.body,
        ]
        digest = hashlib.sha256(VERSION.encode())
        for text in texts:
            part = text.encode()
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        return digest.hexdigest()


@dataclass(frozen=True)
class Verification:
    """
    What a check of the audit log found: how many rows, the head to anchor, every fault as a
    sentence, and the first bad row.
    """

    rows: int
    head: str
    faults: tuple[str, ...] = ()
    first_bad: int | None = None


class Fault(NamedTuple):
    """The row at which something is wrong, and what."""

    row: int
    sentence: str


def verify_chain(
    entries: Iterable[Entry],
    anchors: Iterable[Anchor] = (),
    *,
    head: Anchor | None = None,
) -> Verification:
    """
    Check the chain row by row, then that it ends at *head*, and that each anchor's row is there and
    has the anchored hash.
    """
    wanted = sorted({Anchor(seq, hash_) for seq, hash_ in anchors})
    anchored_rows = {seq for seq, _ in wanted}
    hashes: dict[int, str] = {}
    faults: list[Fault] = []
    end = Anchor(0, GENESIS)
    for entry in entries:
        if not _follows(entry, end):
            faults += _name_breaks(entry, end)
        end = Anchor(entry.seq, entry.hash)
        if entry.seq in anchored_rows:
            hashes[entry.seq] = entry.hash
    if head is not None and head != end:
        faults.append(_name_other_end(end, head))
    faults += _check_anchors(wanted, hashes, end.seq)
    sentences = tuple(fault.sentence for fault in faults)
    first_bad = min((fault.row for fault in faults), default=None)
    return Verification(end.seq, end.hash, sentences, first_bad)


def _follows(entry: Entry, end: Anchor) -> bool:
    if entry.seq != end.seq + 1:
        return False
    if entry.prev != end.hash:
        return False
    return entry.compute_hash() == entry.hash


def _name_breaks(entry: Entry, end: Anchor) -> Iterator[Fault]:
    """What is wrong between an entry and where the chain ended before it."""
    row = entry.seq
    last = end.seq
    expected = last + 1
    if row != expected:
        gap = f"rows {expected} to {row - 1} are"
        if row == expected + 1:
            gap = f"row {expected} is"
        yield Fault(expected, f"{gap} missing: row {row} follows row {last}")
    elif entry.prev != end.hash:
        yield Fault(
            row,
            f"row {row} doesn't follow row {last}: "
            "a row before it was changed, removed or inserted",
        )
    if entry.compute_hash() != entry.hash:
        yield Fault(
            row,
            f"row {row} ({entry.kind}) was changed after it was written",
        )


def _name_other_end(end: Anchor, head: Anchor) -> Fault:
    return Fault(
        end.seq,
        f"the audit log ends at row {end.seq}, but the ledger's head is row {head.seq}: "
        "rows at its end were removed, changed or added",
    )


def _check_anchors(
    anchors: list[Anchor],
    hashes: dict[int, str],
    last: int,
) -> Iterator[Fault]:
    """
    Where the log isn't the one that was anchored outside the ledger.

    *hashes* are those of the rows that are anchored, *last* is the log's last row.
    """
    missing = [anchor.seq for anchor in anchors if anchor.seq not in hashes]
    for row in missing:
        if row <= last:
            yield Fault(
                row,
                f"row {row}, which was anchored outside the ledger, is missing",
            )
    good = 0
    for row, hash_ in anchors:
        if row not in hashes:
            continue
        if hashes[row].startswith(hash_):
            good = row
            continue
        first = min(good + 1, row)
        yield Fault(
            first,
            f"the audit log was computed anew: among rows {first} to {row}, at least one isn't "
            "what was anchored outside the ledger",
        )
        break
    newest = max(missing, default=0)
    if newest > last:
        yield Fault(
            last + 1,
            f"rows {last + 1} to {newest} are missing: row {newest} was anchored outside the "
            f"ledger, the audit log ends at row {last}: its end was cut off, or the ledger was "
            "replaced by an older backup",
        )


#: Something that log and tables must agree on: a POST (batch), a job (batch, job id), a webhook
#: (id); in words.
Record = tuple[str, ...]


class RecordKind(NamedTuple):
    """A kind of record, in words, and the fields of an entry's body that name one."""

    what: str
    names: tuple[str, ...]


POST = RecordKind("POST of batch", ("batch",))
JOB = RecordKind("job of batch", ("batch", "job_id"))
WEBHOOK = RecordKind("webhook", ("id",))
#: kind of entry -> what it claims that the tables hold
CLAIMS = {
    "submit.intent": POST,
    "submit.again": POST,
    "submit.accepted": JOB,
    "batch.reconciled": JOB,
    "webhook.queued": WEBHOOK,
}


def count_claims(
    entries: Iterable[Entry],
    claims: Counter[Record],
) -> Iterator[Entry]:
    """The same entries; what they claim is counted in *claims* as they pass."""
    for entry in entries:
        record = _claimed_record(entry)
        if record is not None:
            claims[record] += 1
        yield entry


def _claimed_record(entry: Entry) -> Record | None:
    """What an entry claims that the tables hold; None, too, where it was changed."""
    kind = CLAIMS.get(entry.kind)
    if kind is None:
        return None
    try:
        body = json.loads(entry.body)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    names = [str(body.get(name) or "") for name in kind.names]
    if not all(names):
        return None
    return (kind.what, *names)


def mismatches(
    claims: Counter[Record],
    records: Counter[Record],
) -> Iterator[str]:
    """
    Where the log and the tables don't agree: rows of the tables were changed, removed or inserted.

    >>> list(mismatches(Counter(), Counter({("webhook", "msg_1"): 1})))
    ['the ledger holds webhook msg_1, which the audit log does not mention']
    """
    for record in records - claims:
        yield f"the ledger holds {' '.join(record)}, which the audit log does not mention"
    for record in claims - records:
        yield f"the audit log mentions {' '.join(record)}, which the ledger does not hold"


def pseudonym(key: bytes, rcpt_key: str) -> str:
    """
    How an entry names a person: the same for the same key, and saying nothing without it.

    >>> pseudonym(b"k", "ab12") == pseudonym(b"k", "ab12")
    True
    >>> pseudonym(b"k", "ab12") == pseudonym(b"other", "ab12")
    False
    """
    code = hmac.new(key, rcpt_key.encode(), hashlib.sha256)
    return code.hexdigest()[:PSEUDONYM_LENGTH]


def export_json(entries: Iterable[Entry]) -> Iterator[str]:
    """The audit log as one JSON list, an entry a line."""
    before = "["
    for entry in entries:
        row = {"time": _time(entry), **asdict(entry)}
        text = json.dumps(row, ensure_ascii=False)
        yield f"{before}\n{text}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def export_csv(entries: Iterable[Entry]) -> Iterator[str]:
    """
    The audit log as CSV for a spreadsheet.

    Cells that a spreadsheet would run as a formula are defused with an apostrophe.
    """
    names = [column.name for column in fields(Entry)]
    yield ",".join(["time", *names]) + "\r\n"
    for entry in entries:
        cells = [_time(entry), *astuple(entry)]
        line = io.StringIO()
        writer = csv.writer(line, quoting=csv.QUOTE_ALL)
        writer.writerow([safe_cell(str(cell)) for cell in cells])
        yield line.getvalue()


def _time(entry: Entry) -> str:
    at = datetime.fromtimestamp(entry.at, UTC)
    return at.isoformat(timespec="seconds")
