"""What the figures must be: each goal with what was measured and whether it is met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.contest import Result

M = 1_000_000
PRODUCT = "cxtools"
MADE_FIRST = "cxtools, layer made first"
BY_HAND = "DuckDB by hand, layer"


@dataclass(frozen=True)
class Goal:
    """
    A number of one row, or its ratio to the same number of another, and what it may be at most.

    number  a field of Cost, or asked_cpu_s
    """

    says: str
    row: tuple[int, str, str]
    number: str
    at_most: float
    beside: tuple[int, str, str] | None = None


QUESTIONS_BY_HAND = (
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
GROWING = (*QUESTIONS_BY_HAND, "data_quality", "comparison", "verdict", "engagement tables")


def goals() -> list[Goal]:
    """All of them; those whose rows were not measured are left out of the table."""
    funnel = (10 * M, "funnel", PRODUCT)
    tables = (10 * M, "engagement tables", PRODUCT)
    made = (10 * M, "funnel", MADE_FIRST)
    return [
        Goal("funnel of 10 M events, a new process: CPU s", funnel, "cpu_s", 2.0),
        Goal("the same: wall s on an idle machine", funnel, "wall_s", 1.0),
        Goal("all tables of the engagement report at 10 M: CPU s", tables, "cpu_s", 10.0),
        Goal("the same: MB", tables, "memory_mb", 1000.0),
        Goal("making the layer at 10 M, with the question: CPU s", made, "cpu_s", 45.0),
        Goal("the same: MB", made, "memory_mb", 2000.0),
        *_beside_hand(),
        *_growth(M, 10 * M, 11.0),
        *_growth(10 * M, 100 * M, 12.0),
        *_memory(),
    ]


def _beside_hand() -> list[Goal]:
    found = []
    for events in (M, 10 * M):
        for name in QUESTIONS_BY_HAND:
            says = f"{name} at {events // M} M, beside a query by hand over the layer"
            own = (events, name, PRODUCT)
            found.append(Goal(says, own, "asked_cpu_s", 1.25, beside=(events, name, BY_HAND)))
    return found


def _growth(less: int, more: int, at_most: float) -> list[Goal]:
    found = []
    for name in GROWING:
        says = f"{name}: CPU s at {more // M} M / {less // M} M"
        own = (more, name, PRODUCT)
        found.append(Goal(says, own, "cpu_s", at_most, beside=(less, name, PRODUCT)))
    return found


def _memory() -> list[Goal]:
    return [
        Goal(f"{name} at 100 M: MB", (100 * M, name, PRODUCT), "memory_mb", 2000.0)
        for name in GROWING
    ]


def markdown(results: Sequence[Result]) -> str:
    """The goals whose rows were measured."""
    rows = {(row.events, row.question, row.contestant): row for row in results if not row.error}
    lines = ["", "### Goals", "", "| goal | at most | measured | |", "|---|---|---|---|"]
    for goal in goals():
        value = _value(rows, goal)
        if value is not None:
            word = "met" if value <= goal.at_most else "**missed**"
            lines.append(f"| {goal.says} | {goal.at_most:g} | {value:.2f} | {word} |")
    return "\n".join(lines)


def _value(rows: dict[tuple[int, str, str], Result], goal: Goal) -> float | None:
    own = _number(rows, goal.row, goal.number)
    if goal.beside is None or own is None:
        return own
    other = _number(rows, goal.beside, goal.number)
    return own / other if other else None


def _number(
    rows: dict[tuple[int, str, str], Result], key: tuple[int, str, str], name: str
) -> float | None:
    row = rows.get(key)
    if row is None:
        return None
    number: float | None = row.asked_cpu_s if name == "asked_cpu_s" else getattr(row.cost, name)
    return number
