"""
Maps: two dimensions as rows and columns, one or several panels above each other over the same
columns. The colour of a cell repeats its number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cxtools.charts.frame import Layout, Trace, draw
from cxtools.charts.groups import in_order, part_name
from cxtools.charts.rows import Row
from cxtools.charts.style import INK

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

ROW_PX = 30
#: How many rows a panel has at most, of parts that have no order of their own.
MOST_ROWS = 12
#: The strength of the smallest number's colour: an empty cell has none.
WEAKEST = 0.1
#: Room for the names of the columns, above the first panel.
COLUMNS_PX = 90


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


def cross(rows: Sequence[Row], splits: Sequence[str], size: str) -> Crossing:
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


def sums(rows: Sequence[Row], group: str, size: str) -> dict[Any, float]:
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
        key: Cell(write(number), _strength((number - smallest) / span if span else 1.0))
        for key, number in numbers.items()
    }


def _strength(position: float) -> float:
    return WEAKEST + (1 - WEAKEST) * position


def figure(
    panels: Sequence[Panel], grid: Grid, *, title: str, caption: str, table: pd.DataFrame
) -> go.Figure:
    """The panels from the top down, all with the same rows and columns."""
    lines = [_lines(panel, grid) for panel in panels]
    number_of_lines = sum(len(each) for each in lines)
    layout: Layout = {"height": COLUMNS_PX + ROW_PX * number_of_lines, "xaxis": _column_axis()}
    traces = []
    above = 0
    for number, (panel, own) in enumerate(zip(panels, lines, strict=True), start=1):
        below = above + len(own)
        axis = f"{number}" if number > 1 else ""
        traces.append(_trace(panel, grid, own) | {"yaxis": f"y{axis}"})
        domain = [1 - below / number_of_lines, 1 - above / number_of_lines]
        layout[f"yaxis{axis}"] = {"autorange": "reversed", "type": "category", "domain": domain}
        above = below
    return draw(traces, title=title, caption=caption, table=table, layout=layout)


def _lines(panel: Panel, grid: Grid) -> list[str]:
    """A panel's title is a line of its own, without cells: it takes no room from the columns."""
    if panel.title:
        return [f"<b>{panel.title}</b>", *grid.rows]
    return list(grid.rows)


def _trace(panel: Panel, grid: Grid, lines: Sequence[str]) -> Trace:
    cells = [[panel.cells.get((line, column)) for column in grid.columns] for line in lines]
    return {
        "type": "heatmap",
        "x": list(grid.columns),
        "y": list(lines),
        "z": [[cell.strength if cell else None for cell in line] for line in cells],
        "text": [[cell.text if cell else "" for cell in line] for line in cells],
        "texttemplate": "%{text}",
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hoverinfo": "skip",
        "colorscale": [[0, INK["paper"]], [1, panel.colour]],
    }


def _column_axis() -> Layout:
    return {
        "type": "category",
        "side": "top",
        "showgrid": False,
        "tickangle": None,
        "autotickangles": [0, -40, -90],
    }
