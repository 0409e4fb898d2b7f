"""
The cells of a map: a table that is split twice as rows and columns, the numbers as texts and
strengths of a colour.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from cxtools.charts.groups import in_order, part_name
from cxtools.charts.rows import Row
from cxtools.charts.style import INK

#: How many rows a panel has at most, of parts that have no order of their own.
MOST_ROWS = 12
#: The strength of the smallest number's colour: an empty cell has none.
WEAKEST = 0.15

#: The names of a cell's row and column.
Key = tuple[str, str]


class Cell(NamedTuple):
    """What stands in a cell, and how strong its colour is: 0..1."""

    text: str
    strength: float


class Panel(NamedTuple):
    """A map: its cells by row and column; what is missing stays empty. One panel needs no title."""

    cells: Mapping[Key, Cell]
    colour: str = INK["blue"]
    title: str = ""


class Grid(NamedTuple):
    """The names of the rows, from the top down, and of the columns, from the left."""

    rows: Sequence[str]
    columns: Sequence[str]


class Crossing(NamedTuple):
    """The rows of a table that is split twice, by the place where each is drawn."""

    rows: Mapping[Key, Row]
    grid: Grid


def cross(
    rows: Sequence[Row],
    splits: Sequence[str],
    size: str,
) -> Crossing:
    """
    Rows of the parts that are drawn: of each split the largest by the column *size*, or the last.

    >>> row = {"provider": "gmail", "weekday": 1, "attempted": 7}
    >>> cross([row], ["provider", "weekday"], "attempted").grid
    Grid(rows=['gmail'], columns=['Mon'])
    """
    down, across = splits
    row_parts = in_order(down, sums(rows, down, size), most=MOST_ROWS)
    column_parts = in_order(across, sums(rows, across, size))
    placed = {
        place(row, splits): row
        for row in rows
        if row[down] in row_parts and row[across] in column_parts
    }
    row_names = [part_name(down, part) for part in row_parts]
    column_names = [part_name(across, part) for part in column_parts]
    return Crossing(placed, Grid(row_names, column_names))


def place(row: Row, splits: Sequence[str]) -> Key:
    """Where a row of a table that is split twice is drawn."""
    down, across = splits
    return part_name(down, row[down]), part_name(across, row[across])


def sums(
    rows: Sequence[Row],
    group: str,
    size: str,
) -> dict[Any, float]:
    """Each part of a group with the sum of a column over its rows."""
    totals: dict[Any, float] = {}
    for row in rows:
        part = row[group]
        totals[part] = totals.get(part, 0) + (row[size] or 0)
    return totals


def shaded(numbers: Mapping[Key, float], write: Callable[[float], str]) -> dict[Key, Cell]:
    """
    Cells whose colour goes from the smallest number to the largest; even the smallest can be seen.

    >>> shaded({("gmail", "Mon"): 2, ("gmail", "Tue"): 4}, str)[("gmail", "Tue")]
    Cell(text='4', strength=1.0)
    """
    smallest = min(numbers.values(), default=0)
    span = max(numbers.values(), default=0) - smallest
    return {
        key: Cell(write(number), strength((number - smallest) / span if span else 1.0))
        for key, number in numbers.items()
    }


def strength(position: float) -> float:
    """The strength of a colour for a position 0..1: even 0 can be seen."""
    return WEAKEST + (1 - WEAKEST) * position
