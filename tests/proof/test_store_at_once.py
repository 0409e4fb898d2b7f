"""
Writers, readers and compactions of one campaign at the same time, some of them killed with -9: each
answer has every event that an earlier answer had, and none twice.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cxtools.events.store import EventStore
from tests.proof.store_ground import ids, stored, tables
from tests.tables import RECEIVED
from tests.uncounted import environment_without_coverage

ROOT = Path(__file__).parents[2]
WRITERS, PAGES, PAGE = 3, 40, 5
KILLS = 6

#: One after the other, pages of a writer's own.
WRITER = """
import sys
from pathlib import Path
from cxtools.events.store import EventStore
from tests.proof.store_ground import tables
from tests.tables import RECEIVED
root, first, pages, page = sys.argv[1], *map(int, sys.argv[2:])
for number in range(first, first + pages * page, page):
    EventStore(Path(root)).add_tables("c", tables(number, page), source="t", received_at=RECEIVED)
"""
#: Again and again, as soon as there is anything.
COMPACTION = """
import sys
from pathlib import Path
from cxtools.errors import StoreError
from cxtools.events.store import EventStore
print("ready", flush=True)
while True:
    try:
        EventStore(Path(sys.argv[1])).compact("c")
    except StoreError as error:
        assert "another process" in str(error) or "no events" in str(error), error
"""


@contextmanager
def started(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process of its own, ended with the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        env=environment_without_coverage(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def check_answers(root: Path, writers: list[subprocess.Popen[str]]) -> int:
    """Ask until the writers have ended: nothing may be gone or be there twice; how often it was."""
    before = stored(root)
    answers = 0
    while any(writer.poll() is None for writer in writers):
        answer = stored(root)
        assert not before - answer, "events are gone"
        assert set(answer.values()) <= {1}, "events are there twice"
        before = answer
        answers += 1
    return answers


def test_nothing_is_lost_or_doubled_at_any_moment(tmp_path: Path) -> None:
    """While pages are added and merged, a reader sees more and more, each event once."""
    root = tmp_path / "events"
    with ExitStack() as processes:
        for _ in range(2):
            processes.enter_context(started(COMPACTION, root))
        writers = []
        for number in range(WRITERS):
            first = number * PAGES * PAGE
            writer = processes.enter_context(started(WRITER, root, first, PAGES, PAGE))
            writers.append(writer)
        answers = check_answers(root, writers)

    assert [0] * WRITERS == [writer.returncode for writer in writers]
    assert answers > WRITERS
    assert dict.fromkeys(ids(0, WRITERS * PAGES * PAGE), 1) == stored(root)


def test_killed_writers_and_compactions_leave_nothing_wrong(tmp_path: Path) -> None:
    """
    Wherever -9 strikes: what a reader has seen stays, nothing is there twice, and whoever comes
    next completes it.
    """
    root = tmp_path / "events"
    rng = random.Random(7)
    before = stored(root)
    for _ in range(KILLS):
        with (
            started(COMPACTION, root) as compaction,
            started(WRITER, root, 0, PAGES, PAGE) as writer,
        ):
            assert compaction.stdout
            assert compaction.stdout.readline()
            time.sleep(rng.uniform(0.5, 2.0))
            for process in (compaction, writer):
                os.kill(process.pid, signal.SIGKILL)
        answer = stored(root)
        assert not before - answer
        assert set(answer.values()) <= {1}
        before = answer
    store = EventStore(root)
    store.add_tables("c", tables(0, PAGES * PAGE), source="t", received_at=RECEIVED)
    store.compact("c")

    assert dict.fromkeys(ids(0, PAGES * PAGE), 1) == stored(root)
    assert 1 == len(list(root.glob("campaign=c/part-*")))
