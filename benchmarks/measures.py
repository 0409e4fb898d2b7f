"""
What questions cost: cxtools beside its first edition and what others would write by hand.

    python -m benchmarks.measures                              1 M and 10 M events
    python -m benchmarks.measures --events 1_000_000 --questions funnel,links
    python -m benchmarks.measures --events 100_000_000 --contestants cxtools

Each row is a process of its own; CPU seconds, wall, peak of memory and of spill are those of that
process and its children. All contestants must give the same answer: one that fails or differs is an
error, and the exit code 1. Compare only rows of one run: CPU seconds move with the machine's load.
The events are made for the run, and removed after it.

What 55c6fe5 answers is asked of its package, which is taken out of git. Polars gets an environment
of its own for the run.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import goals, tables
from benchmarks.contest import Contest, Contestant, Result
from benchmarks.contestants import product
from benchmarks.stores import ROOT, drop_layers, drop_totals, layers, name_of_campaign

FIRST_EDITION = "55c6fe5"
POLARS = "polars==2.1.0"
SCALES = (1_000_000, 10_000_000)
#: What DuckDB answers by hand.
BY_HAND = (
    "funnel",
    "funnel by provider",
    "bounces",
    "reasons",
    "unknown",
    "links",
    "timing",
    "curve",
    "jobs",
    "suspects",
)
BY_ANALYSTS = ("funnel", "links", "timing", "curve")
#: Whom cxtools is asked beside: by hand over the layer and over the parts, 0.1.0, and the others.
CONTESTANTS = ("layer", "parts", "old", "pandas", "polars")
#: 0.1.0 had no such question.
NEW_QUESTIONS = ("unknown",)
#: What the making of the layer is measured by.
FIRST_QUESTION = "funnel"
#: Asked without the totals that an earlier question kept, too: as the first after news.
ASKED_FIRST = ("funnel", "verdict", "engagement tables")


def main() -> int:
    options = _options()
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="cxtools-bench-", dir=options.scratch) as folder:
        scratch = Path(folder)
        contestants = _contestants(scratch, options)
        for events in options.events:
            home = scratch / f"{events}"
            for result in _results(home, events, contestants, options.questions):
                results.append(result)
                _keep(result, options.results)
            shutil.rmtree(home)
    print(tables.markdown(results))
    print(goals.markdown(results))
    return 1 if any(result.error for result in results) else 0


def _results(
    home: Path, events: int, contestants: Sequence[Contestant], questions: Sequence[str]
) -> Iterator[Result]:
    """All rows about a campaign of so many events."""
    _run("benchmarks.generate", str(home), "--events", str(events))
    _run("benchmarks.verdicts", str(home), name_of_campaign())
    contest = Contest(home, name_of_campaign(), events)
    if any(contestant.module == "product" for contestant in contestants):
        yield _made_first(contest)
    for question in questions:
        if question in ASKED_FIRST:
            yield _asked_first(contest, question)
        for contestant in contestants:
            if question in contestant.questions:
                yield contest.ask(question, contestant)


def _made_first(contest: Contest) -> Result:
    """The question that finds no layer, and makes it."""
    drop_layers(contest.home)
    maker = Contestant("cxtools, layer made first", "product", (FIRST_QUESTION,))
    result = contest.ask(FIRST_QUESTION, maker)
    if not result.error and not layers(contest.home).exists():
        return replace(result, error="there is no layer after the question")
    return result


def _asked_first(contest: Contest, question: str) -> Result:
    """The question that finds a layer without totals."""
    drop_totals(contest.home)
    return contest.ask(question, Contestant("cxtools, asked first", "product", ASKED_FIRST))


def _run(module: str, *arguments: str) -> None:
    """In a process of its own, so that its memory is gone before anything is measured."""
    subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, check=True)


def _contestants(scratch: Path, options: argparse.Namespace) -> list[Contestant]:
    everything = tuple(product.ANSWERS)
    old = [name for name in options.slow_questions if name not in NEW_QUESTIONS]
    analysts = [name for name in options.slow_questions if name in BY_ANALYSTS]
    every = [Contestant("cxtools", "product", everything)]
    if "layer" in options.contestants:
        every.append(Contestant("DuckDB by hand, layer", "duckdb_layer", BY_HAND))
    if "parts" in options.contestants:
        every.append(Contestant("DuckDB by hand, parts", "duckdb_raw", BY_HAND))
    if "old" in options.contestants:
        package = options.old or _first_edition(scratch)
        every.append(Contestant(FIRST_EDITION, "product", old, packages=(package,)))
    if "pandas" in options.contestants:
        every.append(Contestant("pandas", "pandas_raw", analysts))
    if "polars" in options.contestants:
        python = options.polars or _polars(scratch)
        every.append(Contestant("Polars", "polars_raw", BY_ANALYSTS, python=str(python)))
    return every


def _first_edition(scratch: Path) -> Path:
    """A folder with the package as it was."""
    folder = scratch / FIRST_EDITION
    folder.mkdir()
    archive = subprocess.run(
        ["git", "archive", FIRST_EDITION, "cxtools"],  # noqa: S607  # git by name, as everywhere
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    subprocess.run(["tar", "x"], cwd=folder, input=archive.stdout, check=True)  # noqa: S607
    return folder


def _polars(scratch: Path) -> Path:
    """The interpreter of an environment with Polars, which the project doesn't need."""
    folder = scratch / "polars"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, POLARS], check=True)
    return python


def _keep(result: Result, file: Path | None) -> None:
    """Show that something goes on, and keep what was measured if a later row fails."""
    print(tables.line(result), file=sys.stderr, flush=True)
    if file:
        with file.open("a") as results:
            results.write(f"{result.as_json()}\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, nargs="+", default=SCALES)
    parser.add_argument("--questions", type=_names, default=tuple(product.ANSWERS))
    parser.add_argument("--contestants", type=_names, default=CONTESTANTS)
    parser.add_argument("--scratch", type=Path, help="a folder with room: 2 GB for 10 M events")
    parser.add_argument("--old", type=Path, help=f"a checkout of {FIRST_EDITION}")
    parser.add_argument(
        "--slow-questions",
        type=_names,
        default=tuple(product.ANSWERS),
        help=f"what to ask of {FIRST_EDITION} and pandas: at 10 M each takes minutes",
    )
    parser.add_argument("--polars", type=Path, help="a Python that has Polars")
    parser.add_argument("--results", type=Path, help="JSON lines, a line for each row")
    return parser.parse_args()


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


if __name__ == "__main__":
    raise SystemExit(main())
