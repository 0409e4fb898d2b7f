"""
Writers of the event store and who makes the layer of messages, killed at their n-th system call: `python -m tests.proof.store_killer`,
one JSON request a line, one JSON answer a line. How they are killed is told in `killer`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.proof.killer import preload, serve

#: what a run needs, so that it is there before the fork
PRELOADED = (
    "cxtools.events.messages.build",
    "cxtools.events.store",
    "cxtools.measures.answers",
    "duckdb",
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "tests.tables",
)


def add(root: Path, first: int, count: int) -> None:
    """Add events that are numbered, as one stream."""
    from cxtools.events.store import EventStore
    from tests.proof.store_ground import tables
    from tests.tables import RECEIVED

    pages = tables(first, count)
    EventStore(root).add_tables("c", pages, source="test", received_at=RECEIVED)


def compact(root: Path) -> None:
    """Merge what there is."""
    from cxtools.events.store import EventStore

    EventStore(root).compact("c")


def ask(root: Path) -> None:
    """Ask, and make the layer of messages if there is none yet."""
    from cxtools.events.store import EventStore
    from cxtools.measures.answers import answer
    from cxtools.measures.engine import Engine

    answer(Engine(EventStore(root)), "funnel", "c")


DEEDS: dict[str, Callable[..., None]] = {"add": add, "compact": compact, "ask": ask}


def work(request: dict[str, Any]) -> Callable[[], int]:
    """What a request asks for."""

    def run() -> int:
        DEEDS[request["deed"]](Path(request["root"]), **request["options"])
        return 0

    return run


if __name__ == "__main__":
    preload(PRELOADED)
    serve(work)
