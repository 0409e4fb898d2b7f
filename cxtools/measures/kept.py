"""
Counts that this process has made, so that what several cells of a report need is counted once.

A layer never changes. What is kept names the layers, the rules and how they were asked: it is never
out of date.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

#: Bytes that are kept at most; what was asked for longest ago goes first.
MOST_BYTES = 64_000_000


class Kept:
    """Tables by what was asked."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._tables: OrderedDict[Hashable, pa.Table] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def find(self, key: Hashable) -> pa.Table | None:
        """What was kept under this key, if it still is."""
        with self._lock:
            table = self._tables.get(key)
            if table is not None:
                self._tables.move_to_end(key)
            return table

    def once(self, key: tuple[Hashable, str], make: Callable[[], pa.Table]) -> pa.Table:
        """
        The table that a function makes of some messages, made once for a key of theirs and a name.
        Without a key of theirs (None) it is made each time, since others may be meant.
        """
        messages_key, _ = key
        if not messages_key:
            return make()
        table = self.find(key)
        if table is None:
            table = make()
            self.keep(key, table)
        return table

    def keep(self, key: Hashable, table: pa.Table) -> None:
        """Keep a table, and let go of others until all fit; one that is too large isn't kept."""
        if table.nbytes > self._most_bytes:
            return
        with self._lock:
            before = self._tables.pop(key, None)
            if before is not None:
                self._bytes -= before.nbytes
            self._tables[key] = table
            self._bytes += table.nbytes
            while self._bytes > self._most_bytes:
                _, oldest = self._tables.popitem(last=False)
                self._bytes -= oldest.nbytes


#: Of this process, whichever engine or notebook cell asks.
KEPT = Kept()
