"""
What was counted of one campaign, in a file beside its layer: other processes need not count it
again, and a trend over many campaigns reads the messages of the newest alone. The file's name has
the digest of all that it depends on besides the layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from cxtools.errors import StoreError
from cxtools.events.messages.layer import Layer, read_rows
from cxtools.files import write_whole

if TYPE_CHECKING:
    import pyarrow as pa

#: Files of one name that stay: rules change, and a store may be read by some rules and by others.
MOST_FILES = 4
#: Campaigns -> the rows of each, counted now.
Count = Callable[[Sequence[str]], "pa.Table"]


def kept_counts(layers: Mapping[str, Layer], name: str, digest: str, count: Count) -> pa.Table:
    """
    What is counted of these layers, campaign by campaign, under this name.

    *digest* is "" where it isn't known what the counts depend on: then nothing is kept.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not digest:
        return count(list(layers))
    known = {campaign: read_counts(layer, name, digest) for campaign, layer in layers.items()}
    missing = [campaign for campaign, rows in known.items() if rows is None]
    if missing:
        counted = count(missing)
        for campaign in missing:
            rows = counted.filter(pc.equal(counted["campaign"], campaign))
            known[campaign] = rows
            keep_counts(layers[campaign], name, digest, rows)
    return pa.concat_tables([rows for rows in known.values() if rows is not None])


def read_counts(layer: Layer, name: str, digest: str) -> pa.Table | None:
    """What was kept, if it was, and can be read: else it is counted again, and kept anew."""
    with suppress(FileNotFoundError, StoreError):
        return read_rows(layer.folder / f"{name}-{digest}.parquet")
    return None


def keep_counts(layer: Layer, name: str, digest: str, rows: pa.Table) -> None:
    """Keep what was counted; where that can't be it is counted again when it is next asked for."""
    import pyarrow.parquet as pq

    file = layer.folder / f"{name}-{digest}.parquet"
    with suppress(OSError):  # nobody may write there, or somebody removed the layer
        write_whole(file, partial(pq.write_table, rows), make_folder=False)
        _remove_oldest(layer, name)


def _remove_oldest(layer: Layer, name: str) -> None:
    """Those that were written first: mostly by rules or code of before."""
    files = list(layer.folder.glob(f"{name}-*.parquet"))
    files.sort(key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[MOST_FILES:]:
        file.unlink(missing_ok=True)
