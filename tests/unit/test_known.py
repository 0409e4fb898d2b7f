"""Which events a campaign holds already: by the indexes beside its parts, and without them."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxtools.events import parts
from cxtools.events.index import PATTERN, Place, choose, index_of, merge, places_in, read, write
from cxtools.events.keys import EVENT_HASH, key
from cxtools.events.known import PARTS_WITHOUT, ROWS_WITHOUT, Known
from cxtools.events.store import Added, EventStore
from cxtools.files import Staging
from cxtools.model import Event

RECEIVED = datetime(2026, 10, 1, tzinfo=UTC)


def table(ids: Iterable[object]) -> pa.Table:
    """One open for each id."""
    return parts.table_of([Event(f"e{each}", "open", "open", message_id="m") for each in ids])


def add(target: EventStore, ids: Iterable[object]) -> Added:
    return target.add_tables("c", [table(ids)], source="test", received_at=RECEIVED)


def stored(target: EventStore) -> list[str]:
    with target.connection() as connection:
        rows = connection.execute("select event_id from received order by 1").fetchall()
    return [event_id for [event_id] in rows]


def indexes(target: EventStore) -> list[Path]:
    return sorted(target.root.glob(f"_known/campaign=c/{PATTERN}"))


def files(target: EventStore) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in target.root.rglob("*") if file.is_file()}


@pytest.fixture
def target(tmp_path: Path) -> EventStore:
    """A store of 30 parts of three events, and the indexes that adding them made."""
    target = EventStore(tmp_path)
    for first in range(0, 90, 3):
        add(target, range(first, first + 3))
    return target


def nothing(target: EventStore) -> None:
    """All as it is."""


def no_index(target: EventStore) -> None:
    for file in indexes(target):
        file.unlink()


def damaged_indexes(target: EventStore) -> None:
    for number, file in enumerate(indexes(target)):
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2] if number else b"")


def index_of_parts_that_are_gone(target: EventStore) -> None:
    """What was stored in a part that is removed by hand is new again."""
    for part in target.parts("c")[:5]:
        part.unlink()


@pytest.mark.parametrize(
    "happens", [nothing, no_index, damaged_indexes, index_of_parts_that_are_gone]
)
def test_what_is_known_is_a_matter_of_parts_alone(
    target: EventStore, happens: Callable[[EventStore], None]
) -> None:
    """Indexes save time; without them, or with broken or outdated ones, the same is new."""
    assert indexes(target)
    happens(target)
    before = stored(target)
    wanted = [f"e{number}" for number in range(60, 120)]
    added = add(target, range(60, 120))

    assert len(set(wanted) - set(before)) == added.added
    assert sorted({*before, *wanted}) == stored(target)
    assert Added(0, 120 - 60) == add(target, range(60, 120))


def test_what_is_stored_already_makes_no_file(target: EventStore) -> None:
    """Neither a part nor an index, in whatever pages it comes again."""
    before = files(target)

    assert Added(0, 90) == add(target, range(90))
    assert Added(0, 2) == add(target, [88, 3])
    assert before == files(target)


def test_indexes_are_few_and_grow_by_halves(target: EventStore) -> None:
    """Each is at least twice as large as the next, and few parts are without one."""
    found = [read(file) for file in indexes(target)]
    sizes = sorted((index.rows for index in found), reverse=True)
    covered = [part for index in found for part in index.parts]

    assert all(large > 2 * small for large, small in pairwise(sizes))
    assert len(covered) == len(set(covered))
    assert len(target.parts("c")) - len(covered) < PARTS_WITHOUT


def test_a_small_store_has_no_index(tmp_path: Path) -> None:
    """A few parts are read faster than an index is written."""
    target = EventStore(tmp_path)
    add(target, range(100))

    assert [] == indexes(target)


def test_many_rows_in_one_part_have_an_index(tmp_path: Path) -> None:
    """As many parts as are few may hold too many rows."""
    target = EventStore(tmp_path)
    add(target, range(ROWS_WITHOUT + 1))

    assert [ROWS_WITHOUT + 1] == [read(file).rows for file in indexes(target)]


def test_a_hash_that_is_known_is_no_proof(tmp_path: Path) -> None:
    """Two ids may have one hash: an event is known by its id alone."""
    rows = parts.rows_of_part(table(["stored"]), "test", RECEIVED)
    place = rows.column_names.index(EVENT_HASH)
    same_hash = rows.set_column(place, rows.schema.field(place), pa.array([key("enew")]))
    part = tmp_path / "campaign=c" / parts.name_of(same_hash)
    part.parent.mkdir()
    pq.write_table(same_hash, part)
    target = EventStore(tmp_path)

    assert Added(1, 0) == add(target, ["new"])
    assert ["enew", "estored"] == stored(target)


def test_what_waits_to_be_published_is_known(tmp_path: Path) -> None:
    """Also where its hashes don't fit into memory and wait in an index on disk."""
    known = Known(tmp_path / "campaign=c", tmp_path / "known", rows_in_memory=5)
    pages = [parts.rows_of_part(table(range(n, n + 6)), "test", RECEIVED) for n in range(0, 30, 3)]
    lengths = []
    with Staging() as staging:
        for page in pages:
            new = known.news(page)
            lengths.append(len(new))
            known.stage(new, staging)
        waiting = sorted(file.suffixes[0] for file in staging.hidden_files)
        staging.publish()
    known.keep()

    assert [6] + [3] * 9 == lengths
    assert {".arrow", ".parquet"} <= {file.suffix for file in tmp_path.rglob("*.*")}
    assert waiting.count(".arrow") > 1
    assert 0 == len(known.news(pages[4]))


def test_what_a_killed_process_left_unfinished_is_swept(target: EventStore) -> None:
    """Once nobody can be writing it any more; a hidden file of today may have its writer."""
    folder = target.root / "_known" / "campaign=c"
    old, young = folder / ".old.tmp", folder / ".young.tmp"
    for file in (old, young):
        file.touch()
    os.utime(old, (0, 0))

    add(target, ["new"])

    assert (False, True) == (old.exists(), young.exists())


def test_events_of_an_older_store_are_known(tmp_path: Path) -> None:
    """Parts without hashes are looked up by what their ids' hashes are."""
    folder = tmp_path / "campaign=c"
    folder.mkdir()
    for number in range(PARTS_WITHOUT):
        rows = parts.rows_of_part(table([number, f"{number}b"]), "test", RECEIVED)
        older = rows.drop_columns(["event_hash", "message_key"])
        pq.write_table(older, folder / f"part-2-{number}.parquet")
    target = EventStore(tmp_path)

    assert Added(1, 2) == add(target, [0, "7b", "new"])
    assert Added(0, 3) == add(target, [0, "7b", "new"])


@pytest.mark.parametrize("seed", range(5))
def test_merged_indexes_find_what_each_finds(tmp_path: Path, seed: int) -> None:
    """In memory and from a file, hashes that are in several places, and none of parts gone."""
    rng = random.Random(seed)
    hashes = {
        f"part-3-{name}": [rng.randrange(1 << 63) for _ in range(rng.randrange(200))]
        for name in "abcd"
    }
    hashes["part-3-b"] += hashes["part-3-a"][:3]
    one_by_one = [
        index_of(
            name,
            [pa.chunked_array([own[:50]], pa.int64()), pa.chunked_array([own[50:]], pa.int64())],
        )
        for name, own in hashes.items()
    ]
    left = {"part-3-a", "part-3-b", "part-3-c"}
    with (tmp_path / "index").open("wb") as file:
        write(one_by_one, places_in(one_by_one, left), file)
    mapped = read(tmp_path / "index")
    wanted = pa.array([0, *(own[0] for own in hashes.values() if own)]).sort().to_numpy()

    for index, covered in ((merge(one_by_one), set(hashes)), (mapped, left)):
        expected = {
            (each, Place(name, int(own.index(each) >= 50)))
            for name, own in hashes.items()
            if name in covered
            for each in wanted.tolist()
            if each in own
        }
        found, places = index.find(wanted)
        assert {each for each, _ in expected} == {each for part in found for each in part.tolist()}
        assert {place for _, place in expected} == places
        assert index.parts <= covered
    assert [mapped] == choose([mapped, *one_by_one[:2]], left)
