"""
How long the explorer takes for each change of a control, in the kernel.

    python -m benchmarks.explorer HOME

HOME is a store of `benchmarks.generate`; with two campaigns or more, two of them are compared, too.
Each change is made for the first time in this process, so that nothing of its answer is kept; then
it is taken back, and made once more. What the notebook keeps of it is made each time; a browser
adds its drawing. The goal: at most 300 ms with a million events, and a second with ten million.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from cxtools.connection import Connection
from cxtools.explorer.answers import kept_form
from cxtools.explorer.controls import Controls, controls
from cxtools.explorer.panel import NUMBERS, PEOPLE, TREND
from cxtools.people.timeline import timeline_of
from cxtools.settings import load_settings

Change = tuple[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("home", type=Path)
    client = Connection(load_settings(home=parser.parse_args().home))
    made: list[Controls] = []

    def show() -> None:
        made.append(controls(client.engine, timeline=partial(timeline_of, client)))

    print(f"{'shown first':40} {cost(show)}")
    [parts] = made
    parts.on_shown = kept_form
    rows = client.engine.layer(parts.choice().campaigns[0]).counts["events"]
    print(f"{rows:,} events in the campaign that is chosen")
    for name, value in changes(parts):
        control = getattr(parts, name)
        before = control.value
        first = cost(partial(setattr, control, "value", value))
        back = cost(partial(setattr, control, "value", before))
        again = cost(partial(setattr, control, "value", value))
        control.value = before
        change = f"{name} = {str(value)[:24]}"
        print(f"{change:40} {first}, back {back}, again {again}")
    for name, step in steps(parts):
        print(f"{name:40} {cost(step)}")


def changes(parts: Controls) -> list[Change]:
    """One of each kind."""
    providers = [name for name in parts.provider.options if name != "all"]
    day = date(2026, 9, 15)
    return [
        ("question", "funnel"),
        ("question", "bounces"),
        ("question", "reasons"),
        ("question", "links"),
        ("question", "timing"),
        ("provider", providers[0]),
        ("provider", providers[1]),
        ("domain", parts.domain.options[0]),
        ("domain", parts.domain.options[9]),
        ("cause_filter", parts.cause_filter.options[1][1]),
        ("scanned", "no"),
        ("segment", "history=first"),
        ("segment", "hour=9,weekday=1"),
        ("since", day),
        ("until", day),
        ("by", ("provider",)),
        ("by", ("hour",)),
        ("by", ("domain",)),
    ]


def steps(parts: Controls) -> Iterator[tuple[str, Callable[[], object]]]:
    """Further down, each step from where the one before it led."""
    yield "numbers", partial(setattr, parts.below, "selected_index", NUMBERS)
    parts.below.selected_index = None
    cause = parts.cause.options[1][1]
    yield f"a bar of {cause}: texts and people", partial(pick, parts, cause)
    yield "a text", partial(setattr, parts.text, "value", 0)
    yield "a person", partial(setattr, parts.person, "value", parts.person.options[1][1])
    yield (
        "a provider, texts and people open",
        partial(setattr, parts.provider, "value", parts.provider.options[3]),
    )
    parts.below.selected_index = None
    yield "files of all", parts.make_files.click
    yield "all campaigns", partial(setattr, parts.below, "selected_index", TREND)
    parts.below.selected_index = None
    if len(parts.campaigns.options) > 1:
        two = parts.campaigns.options[:2]
        yield "two campaigns", partial(setattr, parts.campaigns, "value", two)
        yield "as a difference", partial(setattr, parts.form, "value", parts.form.options[1])
        yield (
            "of one provider",
            partial(setattr, parts.provider, "value", parts.provider.options[1]),
        )


def pick(parts: Controls, cause: str) -> None:
    """A click on the bar of a cause."""
    parts.cause.value = cause
    parts.below.selected_index = PEOPLE


@dataclass(frozen=True)
class Cost:
    """What something takes."""

    wall_s: float
    cpu_s: float

    def __str__(self) -> str:
        return f"{self.wall_s:7.3f} s ({self.cpu_s:6.3f} CPU)"


def cost(act: Callable[[], object]) -> Cost:
    """What it takes to do something, in all threads."""
    wall = time.perf_counter()
    cpu = time.process_time()
    act()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


if __name__ == "__main__":
    main()
