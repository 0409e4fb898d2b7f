"""
The cells of a map: a table that is split twice as rows and columns, the numbers as texts and
strengths of a colour.

A colour says that there is something to look at. So a share has one only where chance doesn't
explain how far it is from the median of all: one colour for more, another for less. A share of few
is grey, whatever it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

from cxtools.charts.groups import in_order, part_name
from cxtools.charts.rows import Row
from cxtools.charts.style import INK

#: How many rows a panel has at most, of parts that have no order of their own.
MOST_ROWS = 12
#: The strength of the weakest colour: it can be told from none.
WEAKEST = 0.25
#: A share of fewer messages tells little.
FEWEST = 100
#: How many times as far as a 95 % interval reaches a share must be from the median: a map has many
#: cells, and none of them is to be coloured by chance.
BEYOND = 1.5
#: The strongest colour is for a share that is away from the median by this part of it, at least.
FAR = 0.25

#: The names of a cell's row and column.
Key = tuple[str, str]


class Cell(NamedTuple):
    """
    What stands in a cell, and how strong its colour is: 0..1, and below 0 in the colour for less; 0
    for none, None for a share of few, which is grey.
    """

    text: str
    strength: float | None = 0.0


class Panel(NamedTuple):
    """
    A map: its cells by row and column; what is missing stays empty. One panel needs no title.

    *less* is the colour of cells whose strength is below 0.
    """

    cells: Mapping[Key, Cell]
    colour: str = INK["blue"]
    title: str = ""
    less: str = INK["orange"]


class Share(NamedTuple):
    """A share of so many messages, with the bounds of its 95 % interval."""

    share: float
    low: float
    high: float
    whole: int


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


def plain(numbers: Mapping[Key, float], write: Callable[[float], str]) -> dict[Key, Cell]:
    """Cells without a colour: numbers that are neither good nor bad."""
    return {key: Cell(write(number)) for key, number in numbers.items()}


def compared(shares: Mapping[Key, Share], write: Callable[[float], str]) -> dict[Key, Cell]:
    """
    Cells whose colour says how far a share is from the median, where chance doesn't explain it.

    >>> bad = Share(0.4, 0.35, 0.45, whole=800)
    >>> usual = Share(0.96, 0.94, 0.97, whole=900)
    >>> few = Share(0.0, 0.0, 0.5, whole=4)
    >>> shares = {("a", "1"): bad, ("a", "2"): usual, ("b", "1"): usual, ("b", "2"): few}
    >>> [cell.strength for cell in compared(shares, str).values()]
    [-1.0, 0.0, 0.0, None]
    """
    enough = [known.share for known in shares.values() if known.whole >= FEWEST]
    middle = median(enough) if enough else 0.0
    far = {key: known.share - middle for key, known in shares.items() if _differs(known, middle)}
    most = max([FAR * middle, *(abs(distance) for distance in far.values())])
    cells = {}
    for key, known in shares.items():
        distance = far.get(key, 0.0)
        shade = strength(abs(distance) / most) if distance else 0.0
        signed = -shade if distance < 0 else shade
        cells[key] = Cell(write(known.share), None if known.whole < FEWEST else signed)
    return cells


def _differs(known: Share, middle: float) -> bool:
    """Whether a share of enough messages is farther from the median than chance puts it."""
    if known.whole < FEWEST:
        return False
    lowest = known.share - BEYOND * (known.share - known.low)
    highest = known.share + BEYOND * (known.high - known.share)
    return not lowest <= middle <= highest


def strength(position: float) -> float:
    """The strength of a colour for a position 0..1: even 0 can be seen."""
    return WEAKEST + (1 - WEAKEST) * position
