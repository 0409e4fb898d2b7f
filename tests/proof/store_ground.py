"""
The proving ground of the event store: numbered events, writers that can be killed, and the look at
what is there afterwards.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from cxtools.events import parts
from cxtools.events.compaction import MANY
from cxtools.events.replacements import repeat_when_replaced
from cxtools.events.store import CHUNK, EventStore
from cxtools.model import Event
from tests.tables import RECEIVED
from tests.uncounted import environment_without_coverage

ROOT = Path(__file__).parents[2]
OLD_EVENTS = ROOT / "tests" / "unit" / "events_of_0_1_0"
PAGE = 4


def ids(first: int, count: int) -> list[str]:
    return [f"e{number}" for number in range(first, first + count)]


def tables(first: int, count: int) -> Iterator[pa.Table]:
    """Numbered events, a thousand a table."""
    every = ids(first, count)
    for begin in range(0, count, 1000):
        page = every[begin : begin + 1000]
        yield parts.table_of([Event(each, "open", "open", message_id="m") for each in page])


@repeat_when_replaced
def stored(root: Path) -> Counter[str]:
    """How many rows each event of the store has."""
    if not root.exists():
        return Counter()
    with EventStore(root).connection() as connection:
        rows = connection.execute("select event_id, count(*) from received group by all").fetchall()
    return Counter(dict(rows))


class Deed(NamedTuple):
    """
    What a writer does: on which store, and which events are there when it has been done.

        at_once   nothing of it may be seen before all of it is
    """

    name: str
    prepare: Callable[[Path], None]
    options: dict[str, int]
    expected: Callable[[Path], Counter[str]]


def a_few_parts(root: Path) -> None:
    """Parts of all versions, eleven pages of today, with an index."""
    shutil.copytree(OLD_EVENTS, root)
    (table,) = tables(-PAGE, PAGE)
    older = parts.rows_of_part(table, "test", RECEIVED).drop_columns(["event_hash", "message_key"])
    pq.write_table(older, root / "campaign=c" / "part-2-0.parquet")
    for page in range(11):
        EventStore(root).add_tables(
            "c", tables(page * PAGE, PAGE), source="test", received_at=RECEIVED
        )


def many_parts(root: Path) -> None:
    """One part less than are merged by themselves."""
    folder = root / "campaign=c"
    folder.mkdir(parents=True)
    for page in range(MANY - 1):
        (table,) = tables(page * PAGE, PAGE)
        rows = parts.rows_of_part(table, "test", RECEIVED)
        pq.write_table(rows, folder / parts.name_of(rows))


def with_events(first: int, count: int) -> Callable[[Path], Counter[str]]:
    """What a store holds when these events were added to what it holds, each once."""
    return lambda root: stored(root) | Counter(ids(first, count))


#: An add of two parts that knows half of a page; an add that finds many small parts; a compaction.
DEEDS = {
    "add": Deed(
        "add", a_few_parts, {"first": 42, "count": CHUNK + 10}, with_events(42, CHUNK + 10)
    ),
    "add to many": Deed(
        "add", many_parts, {"first": MANY * PAGE, "count": PAGE}, with_events(MANY * PAGE, PAGE)
    ),
    "compact": Deed("compact", a_few_parts, {}, stored),
}


class Ground:
    """One process that forks writers and kills them, and a store to begin with for each deed."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cxtools-store-"))
        self.killer = subprocess.Popen(
            [sys.executable, "-m", "tests.proof.store_killer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment_without_coverage(),
        )
        self.expected: dict[str, Counter[str]] = {}
        for name, deed in DEEDS.items():
            deed.prepare(self.folder / name)
            self.expected[name] = deed.expected(self.folder / name)

    def run(self, name: str, root: Path, kill_at: int | None) -> dict[str, Any]:
        """One run of a deed: see `killer.traced`."""
        deed = DEEDS[name]
        request = {
            "deed": deed.name,
            "root": str(root),
            "options": deed.options,
            "kill_at": kill_at,
        }
        assert self.killer.stdin
        assert self.killer.stdout
        self.killer.stdin.write(json.dumps(request) + "\n")
        self.killer.stdin.flush()
        answer: dict[str, Any] = json.loads(self.killer.stdout.readline())
        return answer

    def calls(self, name: str) -> list[str]:
        """The system calls of a deed that nobody kills; empty where tracing is forbidden."""
        root = self.store(name)
        trace: list[str] = self.run(name, root, 0)["trace"]
        shutil.rmtree(root)
        return trace

    def store(self, name: str) -> Path:
        root = Path(tempfile.mkdtemp(dir=self.folder)) / "events"
        shutil.copytree(self.folder / name, root)
        return root

    def prove(self, name: str, kill_at: int) -> tuple[list[str], str]:
        """
        Kill a deed, look, do it again, look again: what is wrong, and the call at which it was
        killed, "" where it ended before.
        """
        root = self.store(name)
        before = stored(root)
        ran = self.run(name, root, kill_at)
        expected = self.expected[name]
        wrong = []
        after = stored(root)
        if before - after or after - expected:
            wrong.append(f"after the kill {differences(before, after, expected)}")
        again = self.run(name, root, None)
        if again["code"]:
            wrong.append(f"again ends with {again['code']}")
        if stored(root) != expected:
            wrong.append(f"after it was done again {differences(expected, stored(root), expected)}")
        count = len(EventStore(root).parts("c"))
        standing = len(list(root.glob("campaign=c/part-*")))
        if name != "add" and not count == standing == 1:
            wrong.append(f"{standing} parts stand, {count} count")
        known = EventStore(root).add_tables(
            "c", tables(40, 10), source="test", received_at=RECEIVED
        )
        new = len(set(ids(40, 10)) - set(expected))
        if known.added != new:
            wrong.append(f"{known.added} events are new instead of {new}")
        shutil.rmtree(root.parent)
        return wrong, str(ran["at"])

    def close(self) -> None:
        assert self.killer.stdin
        self.killer.stdin.close()
        self.killer.wait()
        shutil.rmtree(self.folder)


def differences(least: Counter[str], found: Counter[str], most: Counter[str]) -> str:
    """What is missing of what must be there, and what is there beyond what may be."""
    missing = sorted(least - found)
    too_many = sorted(found - most)
    return f"{len(missing)} are missing {missing[:3]}, {len(too_many)} too many {too_many[:3]}"
