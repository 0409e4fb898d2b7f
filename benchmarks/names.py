"""
What the first funnel takes, by how a feed names messages and their recipients.

    python -m benchmarks.names --events 1_000_000 10_000_000 --scratch DIR

Each store is generated, asked once for the funnel of its campaign, which makes the layer, and
removed. The answers differ: an open that could be of two messages counts for none.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import tables
from benchmarks.contest import Contest, Contestant
from benchmarks.stores import generate, name_of_campaign

PRODUCT = Contestant("cxtools", "product", ("funnel",))
WITHOUT_RECIPIENT_IDS = ("--lacks", "recipient_id")
WITHOUT_MESSAGE_IDS = ("--lacks", "message_id")
IN_REACTIONS = ("--lacks-in", "open", "click")
#: What the feed is like, and the options of benchmarks.generate for it.
FEEDS = {
    "both ids": (),
    "addresses, no recipient ids": WITHOUT_RECIPIENT_IDS,
    "no message ids": WITHOUT_MESSAGE_IDS,
    "no recipient ids in opens and clicks": (*WITHOUT_RECIPIENT_IDS, *IN_REACTIONS),
    "no message ids in opens and clicks": (*WITHOUT_MESSAGE_IDS, *IN_REACTIONS),
}
HEAD = ("a feed with", "events", "CPU s", "wall s", "MB", "MB spilled", "CPU s beside both ids")


def main() -> int:
    line = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    line.add_argument("--events", type=int, nargs="+", default=[1_000_000])
    line.add_argument("--scratch", type=Path, help="a folder with room: 180 bytes an event")
    options = line.parse_args()
    print(tables.cells(HEAD))
    print(tables.cells(["---"] * len(HEAD)), flush=True)
    errors = [error for events in options.events for error in _compare(events, options.scratch)]
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


def _compare(events: int, scratch: Path | None) -> list[str]:
    """Print a line for each feed; what went wrong."""
    errors = []
    whole_cpu_s = 0.0
    for says, options in FEEDS.items():
        with tempfile.TemporaryDirectory(prefix="cxtools-bench-", dir=scratch) as folder:
            home = Path(folder, "home")
            generate(home, f"--events={events}", *options)
            result = Contest(home, name_of_campaign(), events).ask("funnel", PRODUCT)
        cost = result.cost
        whole_cpu_s = whole_cpu_s or cost.cpu_s
        numbers = [f"{cost.cpu_s:.1f}", f"{cost.wall_s:.1f}", f"{cost.memory_mb:,.0f}"]
        numbers += [f"{cost.spill_mb:,.0f}", f"{cost.cpu_s / whole_cpu_s:.2f}"]
        print(tables.cells([says, f"{events:,}", *numbers]), flush=True)
        errors.append(result.error)
    return [error for error in errors if error]


if __name__ == "__main__":
    raise SystemExit(main())
