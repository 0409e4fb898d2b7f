"""What the figures must be: each goal with what was measured and whether it is met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks import tables
from benchmarks.contest import Result

M = 1_000_000
PRODUCT = "cxtools"
MADE_FIRST = "cxtools, layer made first"
ASKED_FIRST = "cxtools, asked first"
BY_HAND = "DuckDB by hand, layer"

ASKED_BY_HAND = (
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
GROWING = (
    *ASKED_BY_HAND,
    "data_quality",
    "comparison",
    "verdict",
    "engagement tables",
)


class Row(NamedTuple):
    """Which row of the results is meant."""

    events: int
    question: str
    contestant: str


@dataclass(frozen=True)
class Goal:
    """
    A number of one row, or its ratio to the same number of another, and what it may be at most.

    number  a field of Cost, or asked_cpu_s
    """

    says: str
    row: Row
    number: str
    at_most: float
    beside: Row | None = None


FUNNEL = Row(10 * M, "funnel", ASKED_FIRST)
TABLES = Row(10 * M, "engagement tables", ASKED_FIRST)
MADE = Row(10 * M, "funnel", MADE_FIRST)
AT_10_M = (
    Goal("funnel of 10 M events, the first question to its layer: CPU s", FUNNEL, "cpu_s", 2.0),
    Goal("the same: wall s, if the machine was idle", FUNNEL, "wall_s", 1.0),
    Goal("all tables of the engagement report at 10 M, the same: CPU s", TABLES, "cpu_s", 10.0),
    Goal("the same: MB", TABLES, "memory_mb", 1000.0),
    Goal("making the layer at 10 M, with the question: CPU s", MADE, "cpu_s", 45.0),
    Goal("the same: MB", MADE, "memory_mb", 2000.0),
)


def goals() -> list[Goal]:
    """All of them; those whose rows were not measured are left out of the table."""
    every = list(AT_10_M)
    for events in (M, 10 * M):
        every += [_beside_hand(name, events) for name in ASKED_BY_HAND]
    every += [_growth(name, M, 10 * M, 11.0) for name in GROWING]
    every += [_growth(name, 10 * M, 100 * M, 12.0) for name in GROWING]
    every += [_memory(name) for name in GROWING]
    return every


def _beside_hand(name: str, events: int) -> Goal:
    says = f"{name} at {events // M} M, beside a query by hand over the layer"
    own = Row(events, name, PRODUCT)
    by_hand = Row(events, name, BY_HAND)
    return Goal(says, own, "asked_cpu_s", 1.25, beside=by_hand)


def _growth(name: str, less: int, more: int, at_most: float) -> Goal:
    says = f"{name}: CPU s at {more // M} M / {less // M} M"
    own = Row(more, name, PRODUCT)
    smaller = Row(less, name, PRODUCT)
    return Goal(says, own, "cpu_s", at_most, beside=smaller)


def _memory(name: str) -> Goal:
    own = Row(100 * M, name, PRODUCT)
    return Goal(f"{name} at 100 M: MB", own, "memory_mb", 2000.0)


def markdown(results: Sequence[Result]) -> str:
    """The goals whose rows were measured."""
    rows = {}
    for result in results:
        if not result.error:
            rows[Row(result.events, result.question, result.contestant)] = result
    lines = ["", "### Goals", "", "| goal | at most | measured | |", "|---|---|---|---|"]
    for goal in goals():
        value = _value(rows, goal)
        if value is not None:
            word = "met" if value <= goal.at_most else "**missed**"
            lines.append(tables.cells([goal.says, f"{goal.at_most:g}", f"{value:.2f}", word]))
    return "\n".join(lines)


def _value(rows: dict[Row, Result], goal: Goal) -> float | None:
    own = _number(rows, goal.row, goal.number)
    if goal.beside is None or own is None:
        return own
    other = _number(rows, goal.beside, goal.number)
    return own / other if other else None


def _number(rows: dict[Row, Result], key: Row, name: str) -> float | None:
    row = rows.get(key)
    if row is None:
        return None
    if name == "asked_cpu_s":
        return row.asked_cpu_s
    number: float = getattr(row.cost, name)
    return number
