"""Compaction: fewer files, the same rows, at each moment and for everybody."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cxtools.errors import PartsReplaced, StoreError
from cxtools.events import parts, replacements
from cxtools.events.compaction import MANY, Compacted
from cxtools.events.replacements import Replacement, parts_that_count, repeat_when_replaced
from cxtools.events.store import Added, EventStore
from cxtools.model import Event
from tests.tables import RECEIVED

OLD_EVENTS = Path(__file__).parent / "events_of_0_1_0"
ROOT = Path(__file__).parents[2]
COLUMNS = ", ".join(parts.schema().names)
PAGES = 10


def page(number: int) -> list[Event]:
    """Three events, one of them twice; the next page has one of them, too."""
    ids = [f"e{number}", f"e{number}b", f"e{number}b", f"e{number + 1}"]
    return [Event(each, "open", "open", message_id=f"m{number}", by_machine=True) for each in ids]


def add(target: EventStore, number: int) -> Added:
    return target.add("c", page(number), source=f"page {number}", received_at=RECEIVED)


@pytest.fixture
def target(tmp_path: Path) -> EventStore:
    """Parts of all three versions: what 0.1.0 stored, a page of version 2, pages of today."""
    shutil.copytree(OLD_EVENTS, tmp_path / "events")
    target = EventStore(tmp_path / "events")
    table = parts.rows_of_part(parts.table_of(page(-1)), "page -1", RECEIVED)
    older = table.drop_columns(["event_hash", "message_key"])
    pq.write_table(older, target.root / "campaign=c" / "part-2-0.parquet")
    for number in range(PAGES):
        add(target, number)
    return target


def rows(target: EventStore, view: str = "received") -> list[Any]:
    with target.connection() as connection:
        query = f"select {COLUMNS} from {view} order by all"  # noqa: S608
        return list(connection.sql(query).to_arrow_table().to_pylist())


def test_merged_parts_hold_the_same_rows(target: EventStore) -> None:
    """Of every version and with all that repeats; the events are the same ones."""
    before = {view: rows(target, view) for view in ("received", "events")}
    replaced = [part.name for part in target.parts("c")]
    done = target.compact("c")
    [merged] = target.parts("c")

    assert Compacted(PAGES + 2, PAGES + 2, 1) == done
    assert before == {view: rows(target, view) for view in ("received", "events")}
    assert parts.CURRENT is parts.version_of(merged)
    assert tuple(sorted(replaced)) == parts.merged_from(merged)
    assert [merged] == sorted((target.root / "campaign=c").glob("*.parquet"))


def test_what_was_merged_is_known(target: EventStore) -> None:
    """It is not added again, makes no file, and indexes of parts that are gone are gone."""
    target.compact("c")
    files = sorted(target.root.rglob("*"))
    again = [add(target, number).added for number in range(PAGES)]

    assert [0] * PAGES == again
    assert files == sorted(target.root.rglob("*"))
    assert [] == list(target.root.glob("_known/*/*.arrow"))


def test_there_is_nothing_to_merge_twice(target: EventStore) -> None:
    """Another compaction leaves one small part alone, and merges it with those that came since."""
    added = [part.name for part in target.parts("c")]
    target.compact("c")
    [once] = target.parts("c")

    assert Compacted(1, 0, 1) == target.compact("c")
    add(target, PAGES + 1)
    added += [part.name for part in target.parts("c")]
    assert Compacted(2, 2, 1) == target.compact("c")
    [merged] = target.parts("c")

    assert tuple(sorted({*added} - {once.name})) == parts.merged_from(merged)
    assert 15 + 4 + 3 * PAGES + 4 == len(rows(target))


def test_many_small_parts_are_merged_without_a_word(tmp_path: Path) -> None:
    """As soon as there are MANY of them, at the end of an add."""
    target = EventStore(tmp_path)
    folder = tmp_path / "campaign=c"
    folder.mkdir()
    for number in range(MANY - 1):
        table = parts.rows_of_part(parts.table_of(page(2 * number)), "test", RECEIVED)
        pq.write_table(table, folder / parts.name_of(table))

    assert MANY - 1 == len(target.parts("c"))
    assert Added(3, 1) == add(target, -4)
    assert 1 == len(target.parts("c"))
    assert 4 * MANY == len(rows(target))


def test_a_campaign_is_compacted_by_one_process_at_a_time(target: EventStore) -> None:
    """The other is told so; whoever adds doesn't wait."""
    handle = os.open(target.root / "campaign=c", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        with pytest.raises(StoreError, match="another process merges this campaign's parts"):
            target.compact("c")
        assert Added(3, 1) == add(target, PAGES + 1)
    finally:
        os.close(handle)
    assert 1 == target.compact("c").after


def test_a_campaign_without_events_cant_be_compacted(target: EventStore) -> None:
    """It is answered with those that have some."""
    with pytest.raises(StoreError, match=r"no events of campaign d[\s\S]*choose one of: c"):
        target.compact("d")


def test_whoever_reads_parts_that_are_replaced_can_ask_again(target: EventStore) -> None:
    """The error says so, and a question that is repeated has the new parts."""
    expected = len(rows(target))
    failures: list[str] = []

    def count() -> int:
        with target.connection() as connection:
            if not failures:
                target.compact("c")
                failures.append("once")
            [[counted]] = connection.execute("select count(raw) from received").fetchall()
        return int(counted)

    with pytest.raises(PartsReplaced, match="merged into other files while they were read"):
        count()
    failures.clear()
    add(target, PAGES + 1)
    assert expected + 4 == repeat_when_replaced(count)()


def test_a_full_disk_changes_nothing(target: EventStore) -> None:
    """The merged part doesn't fit: all events are there as before, and it is said."""
    before = sorted((target.root / "campaign=c").iterdir())
    script = f"""
import resource, signal
from pathlib import Path
from cxtools.errors import StoreError
from cxtools.events.store import EventStore
import duckdb, pyarrow.parquet
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    EventStore(Path({str(target.root)!r})).compact("c")
except StoreError as error:
    print(error)
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )

    assert "parts can't be merged: File too large; all events are there as before" in ran.stdout
    assert before == sorted((target.root / "campaign=c").iterdir())


# --- which parts count ---

A, B, C, M, N = (f"part-3-{letter}.parquet" for letter in "abcmn")
M_FOR_AB = Replacement(M, (A, B))
N_FOR_MC = Replacement(N, (C, M))
#: what stands in the folder, what is recorded, which parts count
STATES = [
    ("added", [A, B], [], [A, B]),
    ("killed before the merged part appeared", [A, B, C], [M_FOR_AB], [A, B, C]),
    ("killed before the others went", [A, B, C, M], [M_FOR_AB], [C, M]),
    ("killed while the others went", [B, C, M], [M_FOR_AB], [C, M]),
    ("done", [C, M], [M_FOR_AB], [C, M]),
    ("one came back from a slow writer", [A, C, M], [M_FOR_AB], [C, M]),
    ("merged again, killed early", [C, M], [M_FOR_AB, N_FOR_MC], [C, M]),
    ("merged again, killed late", [A, C, M, N], [N_FOR_MC, M_FOR_AB], [N]),
    ("merged again", [N], [N_FOR_MC, M_FOR_AB], [N]),
    ("merged again, one came back", [A, N], [M_FOR_AB, N_FOR_MC], [N]),
    ("the merged part was removed by hand", [B, C], [M_FOR_AB], [B, C]),
]


@pytest.fixture(params=STATES, ids=[state[0] for state in STATES])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[str]]:
    """A folder in one of the states, and the names of the parts that count."""
    standing: list[str]
    recorded: list[Replacement]
    counting: list[str]
    _, standing, recorded, counting = request.param
    for name in standing:
        (tmp_path / name).touch()
    for replacement in recorded:
        replacements.record(tmp_path, replacement)
    return tmp_path, counting


def test_each_row_counts_once(state: tuple[Path, list[str]]) -> None:
    """Wherever a compaction was killed, and however often parts were merged."""
    folder, counting = state

    assert counting == [part.name for part in parts_that_count(folder)]


def test_what_is_left_behind_is_cleared_away(state: tuple[Path, list[str]]) -> None:
    """The same parts count as before, and no others are there any more."""
    folder, counting = state
    replacements.finish(folder)

    assert counting == [part.name for part in parts_that_count(folder)]
    assert counting == sorted(file.name for file in folder.glob("part-*"))


def test_records_and_unfinished_files_go_when_nobody_can_need_them(tmp_path: Path) -> None:
    """A record after an hour, a hidden file after a day."""
    (tmp_path / M).touch()
    ages = {".new.tmp": 3600.0, ".old.tmp": 2 * 86400.0}
    record = replacements.record(tmp_path, M_FOR_AB)
    for name in ages:
        (tmp_path / name).touch()
    replacements.finish(tmp_path)
    assert {".new.tmp", ".old.tmp", record.name, M} == {file.name for file in tmp_path.iterdir()}

    for name, age in {**ages, record.name: 2 * 3600.0}.items():
        written = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (written, written))
    replacements.finish(tmp_path)
    assert {".new.tmp", M} == {file.name for file in tmp_path.iterdir()}
