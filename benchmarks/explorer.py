"""
How long the explorer takes for each change of a control, in the kernel.

    python -m benchmarks.explorer HOME

HOME is a store of `benchmarks.generate`. Each change is made for the first time in this process, so
that nothing of its answer is kept; then once more, going back and forth. A browser adds its drawing.
The goal: at most 300 ms with a million events, and a second with ten million.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from cxtools.connection import Connection
from cxtools.explorer.controls import Controls, controls
from cxtools.settings import load_settings

Change = tuple[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("home", type=Path)
    engine = Connection(load_settings(home=parser.parse_args().home)).engine
    made: list[Controls] = []
    print(f"{'shown first':40} {seconds(lambda: made.append(controls(engine))):8.3f} s")
    [parts] = made
    rows = engine.layer(parts.choice().campaigns[0]).counts()["events"]
    print(f"{rows:,} events in the campaign that is chosen")
    for name, value in changes(parts):
        control = getattr(parts, name)
        before = control.value
        first = seconds(partial(setattr, control, "value", value))
        back = seconds(partial(setattr, control, "value", before))
        again = seconds(partial(setattr, control, "value", value))
        control.value = before
        change = f"{name} = {str(value)[:24]}"
        print(f"{change:40} {first:8.3f} s, back {back:.3f}, again {again:.3f}")


def changes(parts: Controls) -> list[Change]:
    """One of each kind."""
    providers = [name for name in parts.provider.options if name != "all"]
    return [
        ("question", "funnel"),
        ("question", "bounces"),
        ("question", "reasons"),
        ("question", "links"),
        ("question", "timing"),
        ("provider", providers[0]),
        ("provider", providers[1]),
        ("domain", parts.domain.options[0]),
        ("by", ("provider",)),
        ("by", ("hour",)),
        ("cause", parts.cause.options[1][1]),
    ]


def seconds(act: Callable[[], object]) -> float:
    """How long something takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
