"""
A set of digests that needs the same little memory however many they are: it lies on disk.

SQLite's own temporary database, and not a set of ours: of a million digests of 16 bytes, Python's
set needs 98 MB and bytes packed as densely as malloc allows 17 to 21 MB; a database with a cache of
2 MB needs 3 MB, for 5 µs more of the 75 µs that a row of a list costs. Its file has no name, holds
digests and no addresses, and ends with the process.
"""

from __future__ import annotations

import sqlite3
from types import TracebackType

from cxtools.errors import StoreError

#: Together, the set-up of a database that is never opened again: nothing has to survive a crash.
SET_UP = """
    pragma journal_mode = off;
    pragma synchronous = off;
    pragma cache_size = -2000;
    create table digest (value blob primary key) without rowid;
    begin;
"""
INSERT = "insert or ignore into digest values (?)"


class Digests:
    """
    Digests that were met.

    Raises:
        StoreError: there is no room for them in the system's folder for temporary files.

    >>> with Digests() as digests:
    ...     digests.add(b"ann"), digests.add(b"bob"), digests.add(b"ann")
    (True, True, False)
    """

    def __init__(self) -> None:
        # Whoever lets go of an unfinished plan may be another thread than the one that began it.
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._database.executescript(SET_UP)

    def __enter__(self) -> Digests:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._database.close()

    def add(self, digest: bytes) -> bool:
        """Take a digest in; False for one that was met before."""
        try:
            return self._database.execute(INSERT, [digest]).rowcount == 1
        except sqlite3.Error as refused:
            reason = str(refused)
        raise StoreError(
            f"the digests of the recipients can't be kept: {reason}",
            where="the system's folder for temporary files",
            do="make room there, or name another folder with SQLITE_TMPDIR; nothing was planned",
        )
