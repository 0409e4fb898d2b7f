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
from pathlib import Path

from benchmarks import tables
from benchmarks.contest import ROOT, Contest, Contestant, Result
from benchmarks.stores import name_of_campaign

EVENTS = 1_000_000
#: A campaign of 5,000 recipients has about so many events.
EVENTS_OF_REPORT = 8_000
CELLS = Contestant("cxtools", "cells", ("cells",))
CELL_S = 0.3
COMMAND_S = 1.5
REPORT_S = 4.0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scratch", type=Path, help="a folder with room for 300 MB")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cxtools-bench-", dir=options.scratch) as folder:
        large = _contest(Path(folder, "large"), EVENTS)
        small = _contest(Path(folder, "small"), EVENTS_OF_REPORT)
        funnel = [sys.executable, "-m", "cxtools.cli", "funnel", name_of_campaign()]
        large.run("the layer is made", funnel)
        results = [
            large.run("cxtools funnel", funnel),
            large.run("import cxtools", [sys.executable, "-c", "import cxtools"]),
            large.run("python alone", [sys.executable, "-c", "pass"]),
            _report(small),
            large.ask("cells", CELLS),
        ]
        print("\n".join(_lines(results, large)))
    return 1 if any(result.error for result in results) else 0


def _contest(home: Path, events: int) -> Contest:
    command = [sys.executable, "-m", "benchmarks.generate", str(home), "--events", str(events)]
    subprocess.run(command, cwd=ROOT, check=True)
    return Contest(home, name_of_campaign(), events)


def _report(contest: Contest) -> Result:
    command = [sys.executable, "-m", "cxtools.cli", "report", "engagement_report"]
    parameters = ["-p", f"campaign={name_of_campaign()}"]
    return contest.run("cxtools report", [*command, *parameters])


def _lines(results: list[Result], contest: Contest) -> list[str]:
    limits = {"cxtools funnel": COMMAND_S, "cxtools report": REPORT_S}
    lines = ["| what | events | wall s | at most | CPU s | MB |", "|---|---|---|---|---|---|"]
    for result in results[:-1]:
        cost = result.cost
        limit = limits.get(result.question, "")
        cells = [
            result.error or result.question,
            f"{result.events:,}",
            f"{cost.wall_s:.2f}",
            f"{limit}",
            f"{cost.cpu_s:.2f}",
            f"{cost.memory_mb:,.0f}",
        ]
        lines.append(tables.cells(cells))
    if results[-1].error:
        return [*lines, results[-1].error]
    for row in json.loads(contest.answer_file.read_text())["rows"]:
        limit = "" if row["cell"] == "import" else CELL_S
        cells = [row["cell"], f"{EVENTS:,}", f"{row['wall_s']:.2f}", f"{limit}"]
        lines.append(tables.cells([*cells, f"{row['cpu_s']:.2f}", ""]))
    return lines


if __name__ == "__main__":
    raise SystemExit(main())
