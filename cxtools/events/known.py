"""
What a campaign holds already: which of the events that come are new.

Parts are looked up in indexes beside them, `<root>/_known/campaign=<name>/`; those that no index
covers yet are read by their column of hashes. A hash that is found is verified by the event's id,
of which only the row groups are read that it can be in. Indexes are merged as they grow, each into
one twice its size, so that what adding costs hardly grows with what is stored. No locks: an index
appears whole, says which parts it covers, and whoever finds none makes do without.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cxtools.events import index, parts
from cxtools.events.index import Index, Place
from cxtools.events.keys import EVENT_HASH, EVENT_ID
from cxtools.events.replacements import parts_that_count, remove_abandoned
from cxtools.files import Staging, write_whole

if TYPE_CHECKING:
    import pyarrow as pa

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
        self._stored: set[str] = set()
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
        for _ in range(LISTINGS - 1):
            with suppress(FileNotFoundError):  # a part was merged into another since it was listed
                self._look()
                return self._news(rows)
        self._look()
        return self._news(rows)

    def stage(self, rows: pa.Table, staging: Staging) -> None:
        """Write new rows as a part that waits to be published, and know them from now on."""
        name = parts.name_of(rows)
        write = partial(parts.write, rows)
        staging.write(self._folder / name, write)
        self._staged[name] = staging.hidden_files[-1]
        new = index.index_of(name, [rows[EVENT_HASH]])
        self._remember(new)
        largest = self._in_memory[0]
        if largest.rows > self._rows_in_memory:
            self._in_memory.remove(largest)
            self._stage_index(largest, staging)

    def keep(self) -> None:
        """
        Once parts are published: write an index of what has none, if that is worth a file, and
        sweep the indexes that are of no use any more and what killed processes left unfinished.
        """
        self._look()
        self._staged.clear()
        outdated = [each for each in self._on_disk if not each.parts <= self._stored]
        current = [each for each in self._on_disk if each.parts <= self._stored]
        used = {each.file for each in current}
        if outdated or self._is_worth_a_file():
            merged = _with_smaller([*self._in_memory, *outdated], current)
            used -= {each.file for each in merged}
            used.add(self._write(merged))
        for swept in {*self._index_files} - used:
            swept.unlink(missing_ok=True)
        remove_abandoned(self._index_folder)

    def _is_worth_a_file(self) -> bool:
        names = _covered(self._in_memory) & self._stored
        rows = sum(each.rows for each in self._in_memory)
        return len(names) >= PARTS_WITHOUT or rows >= ROWS_WITHOUT

    def _write(self, merged: Sequence[Index]) -> Path:
        """One index of several."""
        places = index.places_in(merged, self._stored)
        file = self._index_folder / index.name_of(places)
        write = partial(index.write, merged, places)
        return write_whole(file, write)

    def _look(self) -> None:
        """See which parts and indexes there are now, and read the hashes that no index has."""
        stored = _names(self._folder)
        published = self._stored | set(self._staged)
        if stored in (self._stored, published):
            self._stored = stored
            return
        # Indexes are listed first: what they cover and isn't listed after them is gone.
        files = sorted(self._index_folder.glob(index.PATTERN))
        indexes = index.read_all(files)
        stored = _names(self._folder)
        self._index_files = files
        self._on_disk = index.choose(indexes, stored)
        covered = _covered(self._on_disk)
        self._in_memory = [each for each in self._in_memory if not each.parts <= covered]
        covered |= _covered(self._in_memory)
        for name in sorted(stored - covered):
            hashes = parts.hashes(self._folder / name)
            new = index.index_of(name, hashes)
            self._remember(new)
        self._stored = stored

    def _remember(self, new: Index) -> None:
        """Hold an index in memory, merged with those that are not much larger."""
        while self._in_memory:
            last = self._in_memory[-1]
            if last.rows > GROWTH * new.rows:
                break
            self._in_memory.pop()
            new = index.merge([last, new])
        self._in_memory.append(new)

    def _stage_index(self, full: Index, staging: Staging) -> None:
        file = self._index_folder / index.name_of(full.places)
        write = partial(index.write, [full], full.places)
        staging.write(file, write)
        hidden = staging.hidden_files[-1]
        on_disk = index.read(hidden, name=file)
        self._on_disk.append(on_disk)

    def _news(self, rows: pa.Table) -> pa.Table:
        import pyarrow.compute as pc

        ids = rows[EVENT_ID]
        hashes, places = self._find(rows)
        has_known_hash = pc.is_in(rows[EVENT_HASH], hashes)
        candidates = ids.filter(has_known_hash)
        is_new = pc.is_valid(ids)
        for part, row_groups in places.items():
            file = self._staged.get(part, self._folder / part)
            stored = parts.column(file, EVENT_ID, row_groups)
            is_known = pc.is_in(stored, candidates)
            known = stored.filter(is_known)
            is_new = pc.and_not(is_new, pc.is_in(ids, known))
        return rows.filter(is_new)

    def _find(self, rows: pa.Table) -> tuple[pa.Array, dict[str, list[int]]]:
        """The hashes of these rows that are known, and by part the row groups that hold them."""
        import numpy as np
        import pyarrow as pa

        wanted = np.sort(rows[EVENT_HASH].to_numpy())
        found = [np.empty(0, np.int64)]
        places: set[Place] = set()
        for each in [*self._on_disk, *self._in_memory]:
            hashes, places_of_these = each.find(wanted)
            found += hashes
            places |= places_of_these
        row_groups: dict[str, list[int]] = {}
        for place in sorted(places):
            if place.part in self._stored or place.part in self._staged:
                of_part = row_groups.setdefault(place.part, [])
                of_part.append(place.row_group)
        together = np.concatenate(found)
        return pa.array(together), row_groups


def _names(folder: Path) -> set[str]:
    return {part.name for part in parts_that_count(folder)}


def _with_smaller(merged: Sequence[Index], others: Sequence[Index]) -> list[Index]:
    """Indexes, and of the others those that are not much larger than all of them together."""
    chosen = list(merged)
    rows = sum(each.rows for each in chosen)
    smallest_first = sorted(others, key=lambda each: each.rows)
    for each in smallest_first:
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
