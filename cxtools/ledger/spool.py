"""
What waits on disk to be written into the ledger, since it may be too much for memory.

It waits in a file without a name beside the ledger, in memory as long as it is small. Nobody else
can open such a file, and nothing of it outlives the process, however that ends.
"""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

from cxtools.errors import StoreError
from cxtools.files import PRIVATE_FOLDER

Item = TypeVar("Item")

#: Bytes that wait in memory; what is more goes to disk.
IN_MEMORY = 1 << 20


class Spool(Generic[Item]):
    """
    Items in the order in which they came.

    *folder* is where the file lies, by default the system's folder for temporary files.

    Raises:
        StoreError: there is no room for them.

    >>> with Spool() as spool:
    ...     spool.add("first")
    ...     spool.add("second")
    ...     list(spool.items()), list(spool.items())
    (['first', 'second'], ['first', 'second'])
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        place = None if folder is None else str(folder)
        # Closed by __exit__.
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=place)  # noqa: SIM115

    def __enter__(self) -> Spool[Item]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._as_store_errors():
            self._file.close()

    def add(self, item: Item) -> None:
        """Let an item wait behind the others."""
        with self._as_store_errors():
            pickle.dump(item, self._file, pickle.HIGHEST_PROTOCOL)

    def items(self) -> Iterator[Item]:
        """All of them, one by one; none may be added meanwhile."""
        with self._as_store_errors():
            end = self._file.seek(0, os.SEEK_END)
            self._file.seek(0)
            while self._file.tell() < end:
                # Pickle runs what it reads, but nobody else has written here.
                yield pickle.load(self._file)  # noqa: S301

    @contextmanager
    def _as_store_errors(self) -> Iterator[None]:
        reason = ""
        try:
            yield
        except OSError as refused:
            reason = str(refused.strerror)
        if reason:
            raise StoreError(
                f"a plan can't be kept until it is written: {reason}",
                where=str(self._folder or tempfile.gettempdir()),
                do="see that there is room; nothing was planned",
            )
