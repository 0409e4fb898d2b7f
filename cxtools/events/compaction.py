"""
Compaction: small parts of a campaign, and parts of earlier versions, are merged into larger ones.

A question opens each part, and 1,000 small parts cost it .6 CPU s more than 20 large ones, which is
why nobody is eager here. One process compacts a campaign at a time; readers and writers go on
meanwhile and wait for nothing. The order of the steps makes it safe to kill at any of them: the
merged part is written under a hidden name, what it replaces is recorded, then it appears, then the
others go. Parts that a layer of messages covers are merged apart from the others, so that it is
brought up to date afterwards and not made anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cxtools.errors import StoreError
from cxtools.events import parts, replacements
from cxtools.events.database import Resources, database, unreadable
from cxtools.events.messages import layer
from cxtools.events.replacements import Replacement, parts_that_count
from cxtools.files import Staging

if TYPE_CHECKING:
    import pyarrow as pa

#: A part with fewer bytes is small: a full one, of 50,000 events, has 5 to 7 MB.
SMALL = 4 << 20
#: So many small parts are merged after an add without being asked.
MANY = 256
#: Bytes of parts that are merged into one: about a million events.
MERGED = 128 << 20


@dataclass(frozen=True)
class Compacted:
    """
    What became of the parts of a campaign: how many there were, how many of them were merged, and
    how many there are.
    """

    before: int
    merged: int
    after: int


def is_due(folder: Path) -> bool:
    """
    Whether parts are merged without being asked: there are many small ones, or a compaction was
    killed before all that it replaced was gone.
    """
    counting = parts_that_count(folder)
    if len(counting) >= MANY:
        small = [file for file in counting if size(file) < SMALL]
        return len(small) >= MANY
    return replacements.is_unfinished(folder)


def compact(folder: Path, resources: Resources) -> Compacted:
    """
    Merge the small parts of a campaign's folder and those of earlier versions.

    Raises:
        StoreError: another process does so, or a part can't be read or written; all events are
        there as before.
    """
    with disk(folder), alone(folder):
        replacements.finish(folder)
        before = parts_that_count(folder)
        merged = 0
        for group in in_groups(before, _covered(folder, before)):
            _merge(folder, group, resources)
            merged += len(group)
        after = parts_that_count(folder)
    return Compacted(len(before), merged, len(after))


def in_groups(files: Sequence[Path], covered: Collection[Path] = ()) -> list[list[Path]]:
    """
    The parts that are merged into one each, in the order in which they were written; those that a
    layer of messages covers apart from the others.
    """
    worth = [file for file in sorted(files, key=_age) if _is_worth_merging(file)]
    in_layer = [file for file in worth if file in covered]
    new = [file for file in worth if file not in covered]
    return [*_full_groups(in_layer), *_full_groups(new)]


def _full_groups(files: Sequence[Path]) -> list[list[Path]]:
    groups: list[list[Path]] = []
    bytes_of_group = MERGED
    for file in files:
        if bytes_of_group >= MERGED:
            groups.append([])
            bytes_of_group = 0
        groups[-1].append(file)
        bytes_of_group += size(file)
    return [group for group in groups if len(group) > 1 or is_old(group[0])]


def _covered(folder: Path, files: Sequence[Path]) -> set[Path]:
    """The parts whose events are in the widest layer of messages; none where there is no layer."""
    origins = {file: parts.origins(file) for file in files}
    known = layer.all_layers(layer.layers_folder(folder.parent, folder.name))
    widest = layer.widest(known, origins.values())
    if widest is None:
        return set()
    return {file for file, names in origins.items() if names <= widest.origins}


def size(file: Path) -> int:
    """The bytes of a part; 0 where it is gone since it was listed."""
    return file.stat().st_size if file.exists() else 0


def is_old(file: Path) -> bool:
    """Whether a part is of an earlier version."""
    return parts.version_of(file) is not parts.CURRENT


def _is_worth_merging(file: Path) -> bool:
    return is_old(file) or size(file) < SMALL


def _age(file: Path) -> tuple[int, str]:
    return file.stat().st_mtime_ns, file.name


def _merge(folder: Path, group: Sequence[Path], resources: Resources) -> None:
    names = sorted(file.name for file in group)
    replacement = Replacement(_name(names), tuple(names))
    with Staging() as staging:
        write = partial(_write, group, resources)
        staging.write(folder / replacement.part, write)
        replacements.record(folder, replacement)
        staging.publish()
    for file in group:
        file.unlink(missing_ok=True)


def _name(names: Sequence[str]) -> str:
    """The name of the part that replaces others."""
    text = "\n".join(names)
    digest = hashlib.sha256(text.encode()).hexdigest()[:24]
    return f"{parts.CURRENT.prefix}{digest}.parquet"


def _write(
    group: Sequence[Path],
    resources: Resources,
    file: IO[bytes],
) -> None:
    added: list[str] = []
    for part in group:
        added += parts.origins(part)
    parts.write_all(_tables(group, resources), file, merged_from=sorted(added))


def _tables(group: Sequence[Path], resources: Resources) -> Iterator[pa.Table]:
    """The rows of parts as they are read, one part after the other."""
    with database(group[0].parent, resources) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for file in group:
            yield parts.rows_in(connection, file)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """
    The right to replace parts of a folder; it ends with the process, however that ends.

    Raises:
        StoreError: another process has it.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        _lock(handle, folder)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StoreError(
            "another process merges this campaign's parts",
            where=str(folder),
            do="wait until it is done; until then everything can be read and added as ever",
        ) from None


@contextmanager
def disk(folder: Path) -> Iterator[None]:
    """What the disk refuses, or holds damaged, as a StoreError."""
    import pyarrow as pa

    try:
        yield
    except pa.ArrowException as error:
        raise unreadable(folder, error) from error
    except OSError as error:
        reason = error.strerror or error
        raise StoreError(
            f"parts can't be merged: {reason}; all events are there as before",
            where=str(folder),
            do="free some disk space or correct the folder's permissions, then run it again",
        ) from error
