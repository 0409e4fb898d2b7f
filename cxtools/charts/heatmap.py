"""
Maps: one or several panels above each other over the same columns. The colour of a cell repeats its
number, or says that it is far from the others; the name of a row stands above its cells, so that it
takes no width from them.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from cxtools import wording
from cxtools.charts.cells import Cell, Grid, Panel
from cxtools.charts.frame import Layout, Trace, draw, row_axis, row_label
from cxtools.charts.style import INK, PALE

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

ROW_PX = 44
#: The height of a cell; the rest of its row is for the row's name.
CELL_PX = 22
#: Room below a figure's heading and above its end, and for the names of the columns, which stand
#: upright where there is no room for them side by side: the narrowest figure may have none.
AROUND_PX = 60
LINE_PX = 24
COLUMN_LETTERS = 18
LETTER_PX = 7.6
NARROWEST_PX = 280
#: Where the axis of rows begins, in rows: above the first title, or above the first row's name.
TITLE_TOP = -0.3
NAME_TOP = -0.85


def figure(
    panels: Sequence[Panel], grid: Grid, *, title: str, caption: str, table: pd.DataFrame
) -> go.Figure:
    """The panels from the top down, each below its title."""
    traces: list[Trace] = []
    labels: list[Layout] = []
    place = 0
    for panel in panels:
        if panel.title:
            labels.append(_panel_title(place, panel.title))
            place += 1
        traces += _traces(panel, grid, place)
        labels += [_row_name(place + below, name) for below, name in enumerate(grid.rows)]
        place += len(grid.rows)
    top = TITLE_TOP if panels[0].title else NAME_TOP
    columns_px = _columns_px(grid.columns)
    layout = {
        "height": AROUND_PX + columns_px + ROW_PX * place,
        "margin": {"t": columns_px},
        "xaxis": _column_axis(grid.columns),
        "yaxis": row_axis(place) | {"range": [place - 0.5, top]} | _row_ticks(panels, grid),
        "annotations": labels,
    }
    return draw(
        traces,
        title=title,
        caption=caption,
        table=table,
        layout=layout,
    )


def _traces(panel: Panel, grid: Grid, first: int) -> list[Trace]:
    """
    The coloured cells with their texts, the grey ones, and the texts of those that have no ground
    of their own: they stand in the ink of the page.
    """
    cells = [[panel.cells.get((row, column)) for column in grid.columns] for row in grid.rows]
    known = [cell for cell in chain.from_iterable(cells) if cell]
    traces: list[Trace] = []
    if any(cell.strength for cell in known):
        traces.append(_ground(panel, cells, first))
    if any(cell.strength is None for cell in known):
        traces.append(_grey_ground(cells, first))
    if not all(cell.strength for cell in known):
        traces.append(_texts(panel, cells, first))
    return traces


#: The cells of a panel, row by row; a missing one is None.
Cells = Sequence[Sequence[Cell | None]]


def _ground(panel: Panel, cells: Cells, first: int) -> Trace:
    strengths = [[_strength(cell) or None for cell in line] for line in cells]
    texts = [[cell.text if cell and cell.strength else "" for cell in line] for line in cells]
    return _cells_at(strengths, first) | {
        "text": texts,
        "texttemplate": "%{text}",
        "zmin": -1,
        "zmax": 1,
        "hovertemplate": _hover(panel),
        "colorscale": [[0, panel.less], [0.5, PALE], [1, panel.colour]],
    }


def _strength(cell: Cell | None) -> float:
    return cell.strength or 0.0 if cell else 0.0


def _grey_ground(cells: Cells, first: int) -> Trace:
    """A share of few has a ground that says nothing."""
    grey = [[0 if cell and cell.strength is None else None for cell in line] for line in cells]
    return _cells_at(grey, first) | {
        "hoverinfo": "skip",
        "colorscale": [[0, INK["grid"]], [1, INK["grid"]]],
    }


def _cells_at(z: Sequence[Sequence[float | None]], first: int) -> Trace:
    return {
        "type": "heatmap",
        "x": list(range(len(z[0]))),
        "y": list(range(first, first + len(z))),
        "z": [list(line) for line in z],
        "showscale": False,
        "xgap": 2,
        "ygap": ROW_PX - CELL_PX,
        "hoverongaps": False,
    }


def _texts(panel: Panel, cells: Cells, first: int) -> Trace:
    placed = []
    for below, line in enumerate(cells):
        for place, cell in enumerate(line):
            if cell and not cell.strength:
                placed.append((place, first + below, cell.text))
    return {
        "type": "scatter",
        "mode": "text",
        "x": [place for place, _, _ in placed],
        "y": [below for _, below, _ in placed],
        "text": [text for _, _, text in placed],
        "textfont": {"color": INK["ink"], "size": 12},
        "hovertemplate": _hover(panel),
    }


def _hover(panel: Panel) -> str:
    return f"%{{y}}, %{{x}}<br>{panel.title} %{{text}}<extra></extra>"


def _row_name(place: int, name: str) -> Layout:
    return row_label(place, name) | {"yshift": CELL_PX // 2}


def _panel_title(place: int, title: str) -> Layout:
    label = row_label(place, title)
    return label | {"text": f"<b>{label['text']}</b>", "yshift": -CELL_PX // 2}


def _columns_px(names: Sequence[str]) -> float:
    """The height of the columns' names: a line, or the longest of them upright."""
    longest = LETTER_PX * max(len(wording.short(name, COLUMN_LETTERS)) for name in names)
    if longest * len(names) < NARROWEST_PX:
        return LINE_PX
    return longest + 8


def _row_ticks(panels: Sequence[Panel], grid: Grid) -> Layout:
    """The rows' whole names, which stand in tooltips."""
    names: list[str] = []
    for panel in panels:
        names += [html.escape(panel.title)] if panel.title else []
        names += [html.escape(name) for name in grid.rows]
    return {"tickvals": list(range(len(names))), "ticktext": names}


def _column_axis(names: Sequence[str]) -> Layout:
    return {
        "side": "top",
        "showgrid": False,
        "range": [-0.5, len(names) - 0.5],
        "tickvals": list(range(len(names))),
        "ticktext": [wording.short(name, COLUMN_LETTERS) for name in names],
        "tickangle": None,
        "autotickangles": [0, -90],
    }
