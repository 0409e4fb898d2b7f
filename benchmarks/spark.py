"""
What Spark on this machine takes beside DuckDB.

    python -m benchmarks.spark [--one-layer] HOME [HOME …]

One process for each home: Spark is started, each engine makes the layer of messages in a store of
its own, or with *one layer* Spark reads DuckDB's, and each answers the questions, none of which is
kept. The answers are compared. CPU is that of this process and of Spark's.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from benchmarks import tables
from benchmarks.contestants.product import QUESTIONS
from benchmarks.ingest import Cost
from benchmarks.stores import layers
from cxtools.events.store import EventStore
from cxtools.measures.answers import answer
from cxtools.measures.engine import Engine

MASTER = "local[2]"
HEAD = ("events", "what", "DuckDB: wall s", "CPU s", "Spark: wall s", "CPU s", "the same")
TICKS = os.sysconf("SC_CLK_TCK")
#: Where the CPU of a process stands behind its name in `/proc/PID/stat`, and who started it.
PARENT, FIRST_CPU, LAST_CPU = 1, 11, 13

Result = TypeVar("Result")


def main() -> int:
    line = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    line.add_argument("homes", type=Path, nargs="+")
    line.add_argument("--alone", action="store_true", help="this process asks of the one home")
    line.add_argument("--one-layer", action="store_true", help="Spark reads DuckDB's")
    options = line.parse_args()
    if options.alone:
        [home] = options.homes
        return _compare(home, one_layer=options.one_layer)
    print(tables.cells(HEAD))
    print(tables.cells(["---"] * len(HEAD)), flush=True)
    command = [sys.executable, "-m", "benchmarks.spark", "--alone"]
    command += ["--one-layer"] if options.one_layer else []
    done = [subprocess.run([*command, str(home)], check=False) for home in options.homes]
    return max(each.returncode for each in done)


def _compare(home: Path, *, one_layer: bool) -> int:
    are_equal = []
    with tempfile.TemporaryDirectory(dir=home.parent) as folder:
        stores = [_link_parts(home, Path(folder, name)) for name in ("duckdb", "spark")]
        ours = Engine(stores[0])
        sparks = Engine(stores[1], runs_on=MASTER)
        [campaign] = stores[0].campaigns()
        _, started = _cost(partial(_start, sparks))
        _print(0, "start of Spark", Cost(0, 0), started, "")
        our_layer, of_ours = _cost(partial(ours.layer, campaign))
        if one_layer:
            shutil.copytree(layers(Path(folder, "duckdb")), layers(Path(folder, "spark")))
        _, of_spark = _cost(partial(sparks.layer, campaign))
        events = our_layer.counts["events"]
        _print(events, "making the layer", of_ours, of_spark, "")
        for question in QUESTIONS:
            our_answer, of_ours = _cost(partial(answer, ours, question, campaign))
            their_answer, of_spark = _cost(partial(answer, sparks, question, campaign))
            is_equal = our_answer.records() == their_answer.records()
            are_equal.append(is_equal)
            _print(events, question, of_ours, of_spark, "yes" if is_equal else "no")
    return 0 if all(are_equal) else 1


def _start(engine: Engine) -> None:
    with engine.open_relations() as relations:
        relations.rows("select 1 as one")


def _link_parts(home: Path, folder: Path) -> EventStore:
    """A store of the same parts, without what was derived from them."""
    for part in home.glob("events/campaign=*/part-*.parquet"):
        own = folder / "events" / part.parent.name
        own.mkdir(parents=True, exist_ok=True)
        os.link(part, own / part.name)
    return EventStore(folder / "events")


def _cost(work: Callable[[], Result]) -> tuple[Result, Cost]:
    began = time.monotonic()
    cpu_before_s = _cpu_s()
    result = work()
    return result, Cost(time.monotonic() - began, _cpu_s() - cpu_before_s)


def _cpu_s() -> float:
    """Of this process and of those that it started, which are running still."""
    own = os.getpid()
    times = dict(_processes())
    ticks = sum(ticks for pid, (parent, ticks) in times.items() if own in (pid, parent))
    return ticks / TICKS


def _processes() -> Iterator[tuple[int, tuple[int, int]]]:
    """Each process with its parent and its ticks of CPU."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, rest = file.read_text().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = rest.split()
        ticks = sum(map(int, fields[FIRST_CPU:LAST_CPU]))
        yield int(file.parent.name), (int(fields[PARENT]), ticks)


def _print(events: int, what: str, ours: Cost, sparks: Cost, is_equal: str) -> None:
    numbers = [f"{each:.2f}" if each else "" for each in (*ours, *sparks)]
    print(tables.cells([f"{events:,}" if events else "", what, *numbers, is_equal]), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
