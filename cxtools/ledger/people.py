"""The people of a batch as the ledger keeps them: what is sent to each, in one compressed piece."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable

from cxtools.model import Recipient

#: zlib's fastest level: people are packed while a run waits for them.
FASTEST = 1


def pack_people(people: Iterable[Recipient]) -> bytes:
    """What is sent to each, as the ledger keeps it."""
    rows = [
        {
            "email": person.email,
            "fields": dict(person.merge_fields),
            "tags": list(person.tags),
        }
        for person in people
    ]
    text = json.dumps(rows, ensure_ascii=False)
    return zlib.compress(text.encode(), FASTEST)


def unpack_people(packed: bytes) -> list[Recipient]:
    """
    The people that were packed.

    >>> ann = Recipient("ann@example.com", {"name": "Ann"}, ("vip",))
    >>> unpack_people(pack_people([ann])) == [ann]
    True
    """
    rows = json.loads(zlib.decompress(packed))
    return [
        Recipient(
            row["email"],
            row["fields"],
            tuple(row["tags"]),
        )
        for row in rows
    ]
