"""
Keys: whole numbers that stand for an event's id and for a message, as parts of version 3 hold them.

A key is the first 63 bits of a SHA-256: never negative, and the same in every language and for
ever. Joins and groups by numbers take a fraction of what they take by texts.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

#: The column that `event_hash` is the key of.
EVENT_ID = "event_id"
#: The columns that `with_keys` appends.
EVENT_HASH = "event_hash"
MESSAGE_KEY = "message_key"
#: A SHA-256 is four numbers of 64 bits.
NUMBERS_A_DIGEST = 4
#: What stands between a message's id and its recipient: no id holds it.
SEPARATOR = "\0"


def key(text: str) -> int:
    """
    The key of a text.

    >>> key("e1")
    5021058866657771161
    """
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:8]) >> 1


def event_hash(event_id: str) -> int:
    """The key of an event's id."""
    return key(event_id)


def message_key(message_id: str, recipient_id: str, email: str) -> int:
    """
    The key of one message to one recipient, who is known by the address where there is no id.

    >>> message_key("m1", "", "ann@example.com") == key("m1\\0ann@example.com")
    True
    """
    who = recipient_id or email
    return key(f"{message_id}{SEPARATOR}{who}")


def with_keys(table: pa.Table) -> pa.Table:
    """
    A table with the columns of `Event`, and at its end `event_hash` and `message_key`.

    >>> import pyarrow as pa
    >>> columns = {"event_id": ["e1"], "message_id": ["m1"], "recipient_id": [""], "email": ["a@b"]}
    >>> with_keys(pa.table(columns)).column_names[-2:]
    ['event_hash', 'message_key']
    """
    import pyarrow as pa

    columns = {
        EVENT_HASH: table[EVENT_ID],
        MESSAGE_KEY: _messages(table),
    }
    for name, texts in columns.items():
        field = pa.field(name, pa.int64(), nullable=False)
        table = table.append_column(field, keys_of(texts))
    return table


def keys_of(texts: pa.ChunkedArray) -> pa.Array:
    """
    The key of each text of a column.

    hashlib takes 0.6 µs a text, DuckDB's sha256 0.5 and a copy of the column.
    """
    import numpy as np
    import pyarrow as pa

    written = texts.cast(pa.binary()).to_pylist()
    digests = b"".join([hashlib.sha256(text).digest() for text in written])
    numbers = np.frombuffer(digests, dtype=">u8")
    firsts = numbers[::NUMBERS_A_DIGEST] >> 1
    return pa.array(firsts.astype(np.int64))


def _messages(table: pa.Table) -> pa.ChunkedArray:
    """The text of each row whose key is the message's."""
    import pyarrow.compute as pc

    recipients = table["recipient_id"]
    who = pc.if_else(pc.equal(recipients, ""), table["email"], recipients)
    return pc.binary_join_element_wise(table["message_id"], who, SEPARATOR)


# --- the same in SQL, for parts that don't hold them yet ---

# DuckDB's sha256() gives hexadecimal digits, two a byte. In Spark the same number is
# `cast(cast(conv(substr(sha2(text, 256), 1, 16), 16, 10) as decimal(20, 0)) div 2 as bigint)`.
KEY_SQL = "cast(cast('0x' || substr(sha256({text}), 1, 16) as ubigint) >> 1 as bigint)"
MESSAGE_SQL = "message_id || chr(0) || case when recipient_id = '' then email else recipient_id end"
#: The two columns, computed from the columns of `Event`.
KEYS_SQL = f"""
       {KEY_SQL.format(text=EVENT_ID)} as {EVENT_HASH},
       {KEY_SQL.format(text=MESSAGE_SQL)} as {MESSAGE_KEY}
"""
