"""Which weekdays and hours of sending were clicked most, as a map of the week."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxtools import wording
from cxtools.charts import heatmap
from cxtools.charts.cells import FEWEST, Grid, Panel, Share, compared, plain
from cxtools.charts.frame import nothing_attempted, sentence
from cxtools.charts.groups import WEEKDAYS, part_name
from cxtools.charts.rows import Row, rows_of

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

TITLE = "Which weekdays and hours of sending were clicked most?"
NOT_MEASURED = "Clicks are not measured: the feed holds none."


def figure(table: pd.DataFrame) -> go.Figure:
    """A row an hour, a column a weekday; the campaigns of a table are one."""
    cells = _sums([row for row in rows_of(table) if row["weekday"] is not None])
    if not cells:
        return nothing_attempted(TITLE, table)
    shares = {key: _share(cell) for key, cell in cells.items() if cell.measured}
    if not shares or all(row["click_rate"] is None for row in rows_of(table)):
        return sentence(TITLE, NOT_MEASURED, table)
    hours = sorted({hour for hour, _ in cells})
    days = [day for day in WEEKDAYS if day in {key[1] for key in cells}]
    sizes = {key: cell.delivered for key, cell in cells.items()}
    panels = [
        Panel(plain(sizes, wording.count), title="Delivered"),
        Panel(compared(shares, wording.percent), title="Clicked"),
    ]
    caption = (
        "How many were delivered, and which share of them clicked, by the time of sending. Blue: "
        "more than the median, orange: less, the stronger the farther; without colour where chance "
        f"explains it. Grey: of fewer than {FEWEST} messages, which tells little."
    )
    return heatmap.figure(panels, Grid(hours, days), title=TITLE, caption=caption, table=table)


@dataclass
class Cell:
    """
    Messages of one hour of the week: delivered, those of campaigns whose feed tells of clicks, and
    clicked.
    """

    delivered: int = 0
    measured: int = 0
    clicked: int = 0


def _sums(rows: list[Row]) -> dict[tuple[str, str], Cell]:
    """Hour and weekday -> the messages of all rows together."""
    cells: dict[tuple[str, str], Cell] = {}
    for row in rows:
        key = (part_name("hour", row["hour"]), part_name("weekday", row["weekday"]))
        cell = cells.setdefault(key, Cell())
        cell.delivered += row["delivered"] or 0
        if row["click_rate"] is not None:
            cell.measured += row["delivered"] or 0
            cell.clicked += row["clicked"] or 0
    return cells


def _share(cell: Cell) -> Share:
    from cxtools.measures.stats import share, wilson

    low, high = wilson(cell.clicked, cell.measured)
    return Share(share(cell.clicked, cell.measured), low, high, cell.measured)
