"""
What was counted of one campaign, in a file beside its layer: other processes need not count it
again. Its name has the digest of all that it depends on besides the layer.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from cxtools.events.messages.layer import Layer, read_rows
from cxtools.files import write_whole

if TYPE_CHECKING:
    import pyarrow as pa

#: Files of one name that stay: rules change, and a store may be read by some rules and by others.
MOST_FILES = 4


def read_counts(layer: Layer, name: str, digest: str) -> pa.Table | None:
    """What was kept, if it was."""
    with suppress(FileNotFoundError):
        return read_rows(layer.folder / f"{name}-{digest}.parquet")
    return None


def keep_counts(layer: Layer, name: str, digest: str, rows: pa.Table) -> None:
    """Keep what was counted; where that can't be it is counted again when it is next asked for."""
    import pyarrow.parquet as pq

    if not layer.folder.exists():  # somebody removed the layer, which is made again
        return
    with suppress(OSError):
        write_whole(layer.folder / f"{name}-{digest}.parquet", partial(pq.write_table, rows))
        _remove_oldest(layer, name)


def _remove_oldest(layer: Layer, name: str) -> None:
    """Those of rules and code that nobody has asked by for longest, as far as can be told."""
    files = list(layer.folder.glob(f"{name}-*.parquet"))
    files.sort(key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[MOST_FILES:]:
        file.unlink(missing_ok=True)
