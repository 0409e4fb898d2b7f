"""
What one campaign costs beside others, what news cost, and that nothing new costs nothing.

    python -m benchmarks.neighbours                                 100 campaigns of 100,000 events
    python -m benchmarks.neighbours --events 1_000_000 --distinct 25

The last campaign is asked about alone and beside all the others, by turns, and the medians are
compared. News are one more percent of a
campaign's events, that arrive when its layer is there already.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks import tables
from benchmarks.contest import Contest, Contestant, Result
from benchmarks.stores import drop_layers, folder_of, generate, layers, name_of_campaign

CAMPAIGNS = 100
EVENTS = 100_000
NEWS_EVENTS = 1_000_000
TURNS = 5
PART_ROWS = 50_000
QUESTIONS = ("funnel", "links", "timing", "data_quality")
#: Read eight campaigns that came before: dearer beside others, but not the dearer the more there are.
AMONG_OTHERS = ("comparison", "verdict")
PRODUCT = Contestant("cxtools", "product", (*QUESTIONS, *AMONG_OTHERS))
HEAD = "| what | CPU s | wall s | MB | beside, CPU s | ratio | at most |"
RULE = "|---|---|---|---|---|---|---|"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=EVENTS, help="of each campaign")
    parser.add_argument("--campaigns", type=int, default=CAMPAIGNS)
    parser.add_argument("--distinct", type=int, help="the other campaigns are hard links")
    parser.add_argument("--news-events", type=int, default=NEWS_EVENTS)
    parser.add_argument("--scratch", type=Path, help="a folder with room: 180 bytes an event")
    options = parser.parse_args()
    print(HEAD, RULE, sep="\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="cxtools-bench-", dir=options.scratch) as folder:
        failed = [
            *_neighbours(Path(folder), options),
            *_news(Path(folder, "news"), options.news_events),
        ]
    for error in failed:
        print(error, file=sys.stderr)
    return 1 if failed else 0


def _neighbours(folder: Path, options: argparse.Namespace) -> list[str]:
    """One campaign alone, and beside the others."""
    street = folder / "all"
    distinct = options.distinct or options.campaigns
    generate(
        street,
        f"--events={options.events}",
        f"--campaigns={options.campaigns}",
        f"--distinct={distinct}",
    )
    number = options.campaigns - 1
    name = name_of_campaign(number)
    shutil.copytree(folder_of(street, number), folder_of(folder / "alone", number))
    beside = Contest(street, name, options.events)
    alone = Contest(folder / "alone", name, options.events)
    failed = []
    for question in QUESTIONS:
        results: dict[Contest, list[Result]] = {alone: [], beside: []}
        for contest in results:
            failed.append(contest.ask(question, PRODUCT).error)
        for _ in range(TURNS):
            for contest, own in results.items():
                own.append(contest.ask(question, PRODUCT))
        says = f"{question} of one beside {options.campaigns - 1} campaigns, and alone"
        failed += _print(says, results[beside], results[alone], 1.1)
    for question in AMONG_OTHERS:
        first = beside.ask(question, PRODUCT)
        again = beside.ask(question, PRODUCT)
        says = f"{question} beside {options.campaigns - 1} campaigns, and when first asked"
        failed += _print(says, [again], [first], None)
    shutil.rmtree(street)
    return [error for error in failed if error]


def _news(home: Path, events: int) -> list[str]:
    """A layer is made, one more percent arrives, and then nothing new."""
    more = events // 100
    generate(home, f"--events={events + more}")
    hidden = _hide_last(home, -(-more // PART_ROWS))
    contest = Contest(home, name_of_campaign(), events)
    made = contest.ask("funnel", PRODUCT)
    there = contest.ask("funnel", PRODUCT)
    _show(hidden, folder_of(home))
    later = Contest(home, name_of_campaign(), events + more)
    updated = later.ask("funnel", PRODUCT)
    files = _layer_files(home)
    again = later.ask("funnel", PRODUCT)
    is_unchanged = _layer_files(home) == files
    drop_layers(home)
    anew = later.ask("funnel", PRODUCT)
    failed = _print(
        f"funnel of {events:,} events, layer made first, and there", [made], [there], None
    )
    failed += _print("the same after 1 % news, and when all is new", [updated], [anew], None)
    failed += _print("the same again, and before the news", [again], [there], None)
    work = updated.cost.cpu_s - there.cost.cpu_s
    whole = anew.cost.cpu_s - there.cost.cpu_s
    _print_line("news alone, beside making the layer", work, whole, 0.15)
    if not is_unchanged:
        failed.append("a question with nothing new changed the files of the layer")
    return failed


def _hide_last(home: Path, count: int) -> list[Path]:
    """Put the parts that were written last beside the store."""
    aside = home / "aside"
    aside.mkdir()
    in_order = sorted(folder_of(home).iterdir(), key=lambda file: file.stat().st_mtime_ns)
    return [Path(shutil.move(file, aside)) for file in in_order[-count:]]


def _show(files: Sequence[Path], folder: Path) -> None:
    for file in files:
        shutil.move(file, folder)


def _layer_files(home: Path) -> set[tuple[str, int]]:
    return {(str(file), file.stat().st_ino) for file in layers(home).rglob("*") if file.is_file()}


def _print(
    says: str, results: Sequence[Result], others: Sequence[Result], at_most: float | None
) -> list[str]:
    """Print a line; what went wrong in its questions."""
    own = median(result.cost.cpu_s for result in results)
    other = median(result.cost.cpu_s for result in others)
    wall_s = median(result.cost.wall_s for result in results)
    memory_mb = max(result.cost.memory_mb for result in results)
    _print_line(says, own, other, at_most, wall=f"{wall_s:.2f}", memory=f"{memory_mb:,.0f}")
    return [result.error for result in (*results, *others) if result.error]


def _print_line(
    says: str,
    own: float,
    other: float,
    at_most: float | None,
    *,
    wall: str = "",
    memory: str = "",
) -> None:
    limit = "" if at_most is None else f"{at_most}"
    cells = [says, f"{own:.2f}", wall, memory, f"{other:.2f}", f"{own / other:.2f}", limit]
    print(tables.cells(cells), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
