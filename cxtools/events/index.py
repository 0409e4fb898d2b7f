"""
An index: the hashes of a campaign's events in order, and in which row group of which part each is.

It is derived from parts and says which, so it can be deleted at any time and is never wrong: what
it says of parts that are gone is left out. An index is an Arrow file that is mapped into memory, so
a search touches the few pages that it needs; 14 bytes an event. To look up 50,000 hashes among 10
million takes 5 ms of CPU, 90 by a scan of the parts' column of hashes, 850 by a scan of their ids.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]
    Bits = np.ndarray[tuple[int], np.dtype[np.uint16]]

#: The names of indexes; the 1 is the version of their form.
PATTERN = "known-1-*.arrow"
#: Hashes in a block that is written: 14 MB.
BLOCK = 1 << 20
#: Hashes are below this.
HASHES = 1 << 63
#: Bits for each hash that say which hashes are there.
BITS = 16
#: The number of a place whose part is gone.
GONE = -1


class Place(NamedTuple):
    """A row group of a part."""

    part: str
    row_group: int


@dataclass(frozen=True)
class Block:
    """
    Hashes in order, and for each the number of its place.

        seen   16 bits for each hash; the bit of a hash, by its remainder, is set. Of hashes that
               aren't here 94 in 100 are told by their bit alone: 50,000 are looked up among 10
               million in 5 ms, not in 17. None: in memory only, where there are few
    """

    hashes: Numbers
    places: Numbers
    seen: Bits | None = None

    def likely(self, wanted: Numbers) -> Numbers:
        """Those of the hashes, which are in order, that may be here."""
        begin = wanted.searchsorted(self.hashes[0])
        end = wanted.searchsorted(self.hashes[-1], side="right")
        among: Numbers = wanted[begin:end]
        if self.seen is not None:
            bits = among % (BITS * len(self.hashes))
            words = self.seen[bits // BITS]
            is_set = (words >> bits % BITS) & 1
            among = among[is_set == 1]
        return among

    def between(self, low: int, high: int) -> Block:
        """The part of a block from one hash to before another."""
        begin = self.hashes.searchsorted(low)
        end = len(self.hashes) if high >= HASHES else self.hashes.searchsorted(high)
        return Block(self.hashes[begin:end], self.places[begin:end])


@dataclass(frozen=True)
class Index:
    """
    The events of some parts.

        places   what the numbers in blocks mean
        blocks   each in order; together they hold a hash for each row
        file     where it stands; None while it is in memory only
    """

    places: tuple[Place, ...]
    blocks: tuple[Block, ...]
    file: Path | None = None

    @cached_property
    def parts(self) -> frozenset[str]:
        return frozenset(place.part for place in self.places)

    @cached_property
    def rows(self) -> int:
        return sum(len(block.hashes) for block in self.blocks)

    def find(self, wanted: Numbers) -> tuple[Numbers, set[Place]]:
        """
        Which of these hashes (in order) are here, and where; a hash may be in several places.
        """
        import numpy as np

        hits = [np.empty(0, np.int64)]
        places: set[Place] = set()
        for block in self.blocks:
            likely = block.likely(wanted)
            first = block.hashes.searchsorted(likely)
            hit = block.hashes[first] == likely
            hashes = likely[hit]
            last = block.hashes.searchsorted(hashes, side="right")
            rows = _numbers_between(first[hit], last)
            numbers = np.unique(block.places[rows])
            places.update(self.places[number] for number in numbers)
            hits.append(hashes)
        return np.concatenate(hits), places


def index_of(part: str, row_groups: Iterable[pa.ChunkedArray]) -> Index:
    """The index of one part, from the hashes of its row groups."""
    import numpy as np

    places = []
    pieces = []
    for number, group in enumerate(row_groups):
        hashes = group.to_numpy()
        places.append(Place(part, number))
        pieces.append(Block(hashes, np.full(len(hashes), number)))
    blocks = (_in_order(pieces),) if pieces else ()
    return Index(tuple(places), blocks)


def merge(indexes: Sequence[Index], parts: Collection[str]) -> Index:
    """One index of several, in memory, of what they say of *parts*."""
    places = places_in(indexes, parts)
    return Index(places, tuple(_merged_blocks(indexes, places)))


def places_in(indexes: Sequence[Index], parts: Collection[str]) -> tuple[Place, ...]:
    """The places that indexes know, those in *parts* only."""
    known: set[Place] = set()
    for index in indexes:
        known.update(place for place in index.places if place.part in parts)
    return tuple(sorted(known))


def name_of(places: Iterable[Place]) -> str:
    """The name of the index of these places: a digest of them, so that it says what it covers."""
    text = json.dumps(list(places))
    digest = hashlib.sha256(text.encode()).hexdigest()[:24]
    return PATTERN.replace("*", digest)


def write(indexes: Sequence[Index], places: tuple[Place, ...], file: IO[bytes]) -> None:
    """Write what indexes say of *places* as one, block by block, so that memory is bounded."""
    import pyarrow as pa

    columns = [
        pa.field("hash", pa.int64()),
        pa.field("place", pa.int32()),
        pa.field("seen", pa.uint16()),
    ]
    schema = pa.schema(columns, {"places": json.dumps(places)})
    with pa.ipc.new_file(file, schema) as writer:
        for block in _merged_blocks(indexes, places):
            numbers = block.places.astype("int32")
            arrays = [block.hashes, numbers, _bits(block.hashes)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))


def read(file: Path, name: Path | None = None) -> Index:
    """
    An index from its file, mapped into memory; *name* is the one that it will have.

    Raises:
        FileNotFoundError: it was swept since it was listed.
        pyarrow.ArrowInvalid, ValueError: the file is damaged.
    """
    import pyarrow as pa

    reader = pa.ipc.open_file(pa.memory_map(str(file)))
    places = json.loads(reader.schema.metadata[b"places"])
    blocks = []
    for number in range(reader.num_record_batches):
        batch = reader.get_batch(number)
        hashes, numbers, seen = (column.to_numpy() for column in batch.columns)
        blocks.append(Block(hashes, numbers, seen))
    return Index(
        tuple(Place(part, row_group) for part, row_group in places),
        tuple(blocks),
        name or file,
    )


def read_all(files: Iterable[Path]) -> list[Index]:
    """The indexes of files; one that was swept since it was listed, or is damaged, is left out."""
    import pyarrow as pa

    indexes = []
    for file in files:
        with suppress(FileNotFoundError, pa.ArrowInvalid, ValueError):
            indexes.append(read(file))
    return indexes


def choose(indexes: Iterable[Index], parts: Collection[str]) -> list[Index]:
    """
    Indexes that together cover what can be covered of *parts*, the largest first.

    >>> large, small = (Index((Place(p, 0),), ()) for p in ("part-3-a", "part-3-b"))
    >>> choose([large, small, small], {"part-3-b"}) == [small]
    True
    """
    chosen = []
    left = set(parts)
    for index in sorted(indexes, key=lambda index: index.rows, reverse=True):
        if left & index.parts:
            chosen.append(index)
            left -= index.parts
    return chosen


def _merged_blocks(indexes: Sequence[Index], places: tuple[Place, ...]) -> Iterator[Block]:
    """
    What indexes say of *places*, in order: hashes spread evenly, so equal stretches of them make
    blocks that are about equal.
    """
    stretches = sum(index.rows for index in indexes) // BLOCK + 1
    numbers = [_new_numbers(index, places) for index in indexes]
    for stretch in range(stretches):
        low = HASHES * stretch // stretches
        high = HASHES * (stretch + 1) // stretches
        pieces = []
        for index, new_numbers in zip(indexes, numbers, strict=True):
            for block in index.blocks:
                piece = block.between(low, high)
                pieces.append(Block(piece.hashes, new_numbers[piece.places]))
        merged = _one_of_each(_in_order(pieces))
        if len(merged.hashes):
            yield merged


def _new_numbers(index: Index, places: tuple[Place, ...]) -> Numbers:
    """For each place of an index its number among *places*, or GONE."""
    import numpy as np

    new = {place: number for number, place in enumerate(places)}
    return np.array([new.get(place, GONE) for place in index.places], np.int64)


def _in_order(pieces: Sequence[Block]) -> Block:
    import numpy as np

    hashes = np.concatenate([piece.hashes for piece in pieces])
    places = np.concatenate([piece.places for piece in pieces])
    # The stable sort of numpy finds the stretches that are in order already, and merges them.
    order = hashes.argsort(kind="stable")
    return Block(hashes[order], places[order])


def _one_of_each(block: Block) -> Block:
    """A block without the rows of parts that are gone, and without rows that are there twice."""
    import numpy as np

    kept = block.places != GONE
    same_hash = np.diff(block.hashes) == 0
    same_place = np.diff(block.places) == 0
    kept[1:] &= ~(same_hash & same_place)
    return Block(block.hashes[kept], block.places[kept])


def _bits(hashes: Numbers) -> Bits:
    """The bits that say which hashes are there, see `Block`."""
    import numpy as np

    is_set = np.zeros(BITS * len(hashes), bool)
    is_set[hashes % len(is_set)] = True
    bits: Bits = np.packbits(is_set, bitorder="little").view("<u2")
    return bits


def _numbers_between(first: Numbers, last: Numbers) -> Numbers:
    """
    All numbers from each of *first* to before its *last*.

    >>> import numpy as np
    >>> _numbers_between(np.array([3, 7]), np.array([5, 8])).tolist()
    [3, 4, 7]
    """
    import numpy as np

    lengths = last - first
    shifts = np.repeat(last - lengths.cumsum(), lengths)
    numbers: Numbers = np.arange(len(shifts)) + shifts
    return numbers
