"""
A wave of a campaign on its way into the ledger: its batches, and who is left out.

Its rows pass through one by one. Of a whole list one batch is in memory, what was packed before
waits in a spool; so that nobody waits for a long file, the transaction begins when all of it is
packed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import sqlalchemy as sa

from cxtools.ledger.people import pack_people
from cxtools.ledger.schema import batch, left_out, slot
from cxtools.ledger.spool import Spool
from cxtools.model import LeftOut, Recipient
from cxtools.text import canonical_json

#: Hexadecimal digits of a batch's id.
ID_LENGTH = 32
#: Left-out rows that are written with one statement.
ROWS_AT_ONCE = 1000


class PackedBatch(NamedTuple):
    """A batch of a wave, ready to be written: of each person a key, and packed, what to send."""

    id: str
    ordinal: int
    recipients: int
    keys: bytes
    candidates: bytes

    def slots(self) -> Iterator[str]:
        """The keys of its people."""
        size = len(self.keys) // self.recipients
        for start in range(0, len(self.keys), size):
            key = self.keys[start : start + size]
            yield key.hex()


class Wave:
    """
    A wave of a campaign, ready to be written once it is packed.

    A batch's id derives from what is sent to whom, so that nobody can post what a plan said before
    it was replaced.
    """

    def __init__(
        self,
        campaign: str,
        number: int,
        digest: str | None,
        *,
        folder: Path | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._place = {"campaign": campaign, "wave": number}
        self._digest = digest
        self._batches = 0
        self._spool: Spool[PackedBatch | list[LeftOut]] = Spool(folder)

    def __enter__(self) -> Wave:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._spool.__exit__(kind, error, traceback)

    def pack(self, planned: Iterable[Recipient | LeftOut], batch_size: int) -> None:
        """Take in a plan, row by row."""
        people: list[Recipient] = []
        others: list[LeftOut] = []
        for item in planned:
            if isinstance(item, LeftOut):
                self.counts[item.reason] += 1
                others.append(item)
            else:
                self.counts["planned"] += 1
                people.append(item)
            if len(people) == batch_size:
                self._pack_batch(people)
                people = []
            if len(others) == ROWS_AT_ONCE:
                self._spool.add(others)
                others = []
        if people:
            self._pack_batch(people)
        if others:
            self._spool.add(others)

    def _pack_batch(self, people: Sequence[Recipient]) -> None:
        keys = [person.key for person in people]
        identity = {
            **self._place,
            "digest": self._digest,
            "ordinal": self._batches,
            "keys": keys,
        }
        digest = hashlib.sha256(canonical_json(identity).encode())
        packed = PackedBatch(
            id=digest.hexdigest()[:ID_LENGTH],
            ordinal=self._batches,
            recipients=len(people),
            keys=bytes.fromhex("".join(keys)),
            candidates=pack_people(people),
        )
        self._spool.add(packed)
        self._batches += 1

    def write(self, tx: sa.Connection) -> None:
        """Write all of it in one transaction."""
        for item in self._spool.items():
            if isinstance(item, PackedBatch):
                self._write_batch(tx, item)
            else:
                self._write_left_out(tx, item)

    def _write_batch(self, tx: sa.Connection, packed: PackedBatch) -> None:
        insert = batch.insert().values(
            **self._place,
            id=packed.id,
            ordinal=packed.ordinal,
            state="planned",
            recipients=packed.recipients,
            candidates=packed.candidates,
        )
        tx.execute(insert)
        in_batch = {**self._place, "batch_id": packed.id}
        slots = [{**in_batch, "rcpt_key": key} for key in packed.slots()]
        tx.execute(slot.insert(), slots)

    def _write_left_out(self, tx: sa.Connection, others: Iterable[LeftOut]) -> None:
        of_campaign = {"campaign": self._place["campaign"]}
        rows = [{**of_campaign, **asdict(row)} for row in others]
        tx.execute(left_out.insert(), rows)

    def body(self) -> dict[str, Any]:
        """What the audit log tells of it: how many people are planned, and left out by reason."""
        return {"planned": 0, **self.counts}
