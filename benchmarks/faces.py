"""
How long people wait: cells of reports and of the explorer, commands, a report, an import.

    python -m benchmarks.faces

Cells and commands ask about a campaign of 1 M events whose layer is there; the report is that of a
campaign of 5,000 recipients. Walls mean something on an idle machine only; CPU seconds stand beside
them. Exit code 1 where something failed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import tables
from benchmarks.contest import Contest, Contestant, Result
from benchmarks.stores import ROOT, name_of_campaign

EVENTS = 1_000_000
#: A campaign of 5,000 recipients has about so many events.
EVENTS_OF_REPORT = 8_000
CELLS = Contestant("cxtools", "cells", ("cells",))
CELL_S = 0.3
#: What a command may take at most.
LIMITS = {"cxtools funnel": "1.5", "cxtools report": "4.0"}
HEAD = ("what", "events", "wall s", "at most", "CPU s", "MB")

PYTHON = sys.executable
CXTOOLS = (PYTHON, "-m", "cxtools.cli")
FUNNEL = (*CXTOOLS, "funnel", name_of_campaign())
REPORT = (*CXTOOLS, "report", "engagement_report", "-p", f"campaign={name_of_campaign()}")
IMPORT = (PYTHON, "-c", "import cxtools")
NOTHING = (PYTHON, "-c", "pass")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scratch", type=Path, help="a folder with room for 300 MB")
    options = parser.parse_args()
    print(tables.cells(HEAD))
    print(tables.cells(["---"] * len(HEAD)))
    errors = []
    with tempfile.TemporaryDirectory(prefix="cxtools-bench-", dir=options.scratch) as folder:
        for result in _commands(Path(folder)):
            _print_command(result)
            errors.append(result.error)
        errors.append(_print_cells(_contest(Path(folder, "cells"), EVENTS)))
    failed = [error for error in errors if error]
    for error in failed:
        print(error, file=sys.stderr)
    return 1 if failed else 0


def _commands(folder: Path) -> Iterator[Result]:
    large = _contest(folder / "large", EVENTS)
    yield large.run("cxtools funnel, layer made first", FUNNEL)
    yield large.run("cxtools funnel", FUNNEL)
    yield large.run("import cxtools", IMPORT)
    yield large.run("Python alone", NOTHING)
    small = _contest(folder / "small", EVENTS_OF_REPORT)
    yield small.run("cxtools report, layer made first", REPORT)
    yield small.run("cxtools report", REPORT)


def _contest(home: Path, events: int) -> Contest:
    command = [PYTHON, "-m", "benchmarks.generate", str(home), "--events", str(events)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return Contest(home, name_of_campaign(), events)


def _print_command(result: Result) -> None:
    cost = result.cost
    cells = [
        result.question,
        f"{result.events:,}",
        f"{cost.wall_s:.2f}",
        LIMITS.get(result.question, ""),
        f"{cost.cpu_s:.2f}",
        f"{cost.memory_mb:,.0f}",
    ]
    print(tables.cells(cells), flush=True)


def _print_cells(contest: Contest) -> str:
    """Ask twice, since the first one makes the layer; what went wrong."""
    contest.ask("cells", CELLS)
    result = contest.ask("cells", CELLS)
    if result.error:
        return result.error
    document = json.loads(contest.answer_file.read_text())
    for row in document["rows"]:
        limit = "" if row["cell"] == "import" else f"{CELL_S}"
        cells = [
            row["cell"],
            f"{contest.events:,}",
            f"{row['wall_s']:.2f}",
            limit,
            f"{row['cpu_s']:.2f}",
            "",
        ]
        print(tables.cells(cells))
    return ""


if __name__ == "__main__":
    raise SystemExit(main())
