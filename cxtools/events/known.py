"""
What a campaign holds already: which of the events that come are new.

Parts are looked up in indexes beside them, `<root>/_known/campaign=<name>/`; those that no index
covers yet are read by their column of hashes. A hash that is found is verified by the event's id,
of which only the row groups are read that it can be in. Indexes are merged as they grow, each into
one twice its size, so that what adding costs hardly grows with what is stored. No locks: an index
appears whole, says which parts it covers, and whoever finds none makes do without.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cxtools.events import index, parts
from cxtools.events.database import unreadable
from cxtools.events.index import Index
from cxtools.events.keys import EVENT_HASH, EVENT_ID, keys_of
from cxtools.events.replacements import parts_that_count
from cxtools.files import Staging, write_whole

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

#: Parts, and rows in them, which may be without an index: to read them takes less than 10 ms.
PARTS_WITHOUT = 8
ROWS_WITHOUT = 100_000
#: An index is merged with those that have at most so many times its rows: each row is written anew
#: as often as the whole doubles.
GROWTH = 2
#: Rows whose hashes are held in memory while adding: 64 MB. What comes further is put on disk.
ROWS_IN_MEMORY = 4_000_000
#: How often the parts are listed anew because one vanished while it was read.
LISTINGS = 5


class Known:
    """The events that a campaign holds, while events are added to it."""

    def __init__(
        self,
        folder: Path,
        index_folder: Path,
        rows_in_memory: int = ROWS_IN_MEMORY,
    ) -> None:
        self._folder = folder
        self._rows_in_memory = rows_in_memory
        self._index_folder = index_folder
        self._stored: set[str] | None = None
        self._staged: dict[str, Path] = {}
        self._index_files: list[Path] = []
        self._on_disk: list[Index] = []
        self._in_memory: list[Index] = []

    def news(self, rows: pa.Table) -> pa.Table:
        """
        The rows whose events are neither stored nor staged. One that comes twice among them stays
        twice: `data_quality` counts what a feed repeats.

        Raises:
            StoreError: a part can't be read.
        """
        for _ in range(LISTINGS):
            with suppress(FileNotFoundError):  # a part was merged into another since it was listed
                self._look()
                return self._news(rows)
        self._look()
        return self._news(rows)

    def stage(self, rows: pa.Table, staging: Staging) -> None:
        """Write new rows as a part that waits to be published, and know them from now on."""
        name = parts.name_of(rows)
        staging.write(self._folder / name, partial(parts.write, rows))
        self._staged[name] = staging.hidden_files[-1]
        self._remember(index.index_of(name, [rows[EVENT_HASH]]))
        if self._in_memory[0].rows > self._rows_in_memory:
            self._stage_index(self._in_memory.pop(0), staging)

    def keep(self) -> None:
        """
        Once parts are published: write an index of what has none, if that is worth a file, and
        sweep the indexes that are of no use any more.
        """
        self._staged.clear()
        self._look()
        stored = self._stored or set()
        outdated = [each for each in self._on_disk if not each.parts <= stored]
        current = [each for each in self._on_disk if each.parts <= stored]
        used = {each.file for each in current}
        if outdated or self._is_worth_a_file(stored):
            merged = _with_smaller([*self._in_memory, *outdated], current)
            places = index.places_in(merged, stored)
            file = self._index_folder / index.name_of(places)
            write_whole(file, partial(index.write, merged, places))
            used = {file, *(each.file for each in current if each not in merged)}
        for swept in {*self._index_files} - used:
            swept.unlink(missing_ok=True)

    def _is_worth_a_file(self, stored: set[str]) -> bool:
        names: set[str] = set()
        for each in self._in_memory:
            names |= each.parts & stored
        rows = sum(each.rows for each in self._in_memory)
        return len(names) >= PARTS_WITHOUT or rows >= ROWS_WITHOUT

    def _look(self) -> None:
        """See which parts and indexes there are now, and read the hashes that no index has."""
        if self._stored == _names(self._folder):
            return
        # Indexes are listed first: what they cover and isn't listed after them is gone.
        self._index_files = sorted(self._index_folder.glob(index.PATTERN))
        indexes = index.read_all(self._index_files)
        stored = _names(self._folder)
        self._on_disk = index.choose(indexes, stored)
        covered = _covered(self._on_disk)
        self._in_memory = [each for each in self._in_memory if not each.parts <= covered]
        covered |= _covered(self._in_memory)
        for name in sorted(stored - covered):
            self._remember(index.index_of(name, _hashes(self._folder / name)))
        self._stored = stored

    def _remember(self, new: Index) -> None:
        """Hold an index in memory, merged with those that are not much larger."""
        merged = new
        while self._in_memory and self._in_memory[-1].rows <= GROWTH * merged.rows:
            both = [self._in_memory.pop(), merged]
            merged = index.merge(both, _covered(both))
        self._in_memory.append(merged)

    def _stage_index(self, full: Index, staging: Staging) -> None:
        file = self._index_folder / index.name_of(full.places)
        staging.write(file, partial(index.write, [full], full.places))
        self._on_disk.append(index.read(staging.hidden_files[-1], name=file))

    def _news(self, rows: pa.Table) -> pa.Table:
        import pyarrow.compute as pc

        hashes, places = self._find(rows)
        candidates = rows.filter(pc.is_in(rows[EVENT_HASH], hashes))[EVENT_ID]
        is_new = pc.is_valid(rows[EVENT_ID])
        for part, row_groups in places.items():
            path = self._staged.get(part, self._folder / part)
            stored = _column(path, EVENT_ID, row_groups)
            known = stored.filter(pc.is_in(stored, candidates))
            is_new = pc.and_not(is_new, pc.is_in(rows[EVENT_ID], known))
        return rows.filter(is_new)

    def _find(self, rows: pa.Table) -> tuple[pa.Array, dict[str, list[int]]]:
        """The hashes of these rows that are known, and by part the row groups that hold them."""
        import numpy as np
        import pyarrow as pa

        wanted = np.sort(rows[EVENT_HASH].to_numpy())
        found = []
        row_groups: dict[str, list[int]] = {}
        present = {*self._staged, *(self._stored or ())}
        for each in [*self._on_disk, *self._in_memory]:
            hashes, places = each.find(wanted)
            found.append(hashes)
            for part, row_group in sorted(places):
                if part in present:
                    row_groups.setdefault(part, []).append(row_group)
        hashes = np.concatenate([np.empty(0, np.int64), *found])
        return pa.array(hashes), row_groups


def _names(folder: Path) -> set[str]:
    return {part.name for part in parts_that_count(folder)}


def _with_smaller(merged: Sequence[Index], others: Sequence[Index]) -> list[Index]:
    """Indexes, and of the others those that are not much larger than all of them together."""
    chosen = list(merged)
    rows = sum(each.rows for each in chosen)
    for each in sorted(others, key=lambda each: each.rows):
        if each.rows <= GROWTH * rows:
            chosen.append(each)
            rows += each.rows
    return chosen


def _covered(indexes: Iterable[Index]) -> set[str]:
    """The parts that indexes know."""
    covered: set[str] = set()
    for each in indexes:
        covered |= each.parts
    return covered


def _hashes(part: Path) -> Iterator[pa.ChunkedArray]:
    """The hashes of a part's row groups; parts of earlier versions have ids only."""
    for row_group in range(_row_groups(part)):
        if parts.version_of(part) is parts.CURRENT:
            yield _column(part, EVENT_HASH, [row_group])
        else:
            yield keys_of(_column(part, EVENT_ID, [row_group]))


def _row_groups(part: Path) -> int:
    with _reading(part) as file:
        return int(file.num_row_groups)


def _column(part: Path, name: str, row_groups: Sequence[int]) -> pa.ChunkedArray:
    with _reading(part) as file:
        return file.read_row_groups(row_groups, columns=[name])[name]


@contextmanager
def _reading(part: Path) -> Iterator[pq.ParquetFile]:
    """
    A part that is read.

    Raises:
        FileNotFoundError: it is gone since it was listed.
        StoreError: it can't be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(part) as file:
            yield file
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise unreadable(part, error) from error
