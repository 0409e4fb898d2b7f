"""Ranked bars: each with its name above it, and its number and share at its end."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cxtools import wording
from cxtools.charts.frame import BAR_PX, Layout, Trace, draw, row_axis, row_label
from cxtools.charts.style import INK

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

ROW_PX = 46
#: The axis is so much longer than the longest bar: room for the number at its end.
ROOM = 1.45


class Bar(NamedTuple):
    """One bar: its name, how long it is, what stands beside the number, and its colour."""

    name: str
    size: float
    note: str
    colour: str


def figure(bars: Sequence[Bar], *, title: str, caption: str, table: pd.DataFrame) -> go.Figure:
    """
    Horizontal bars without ticks, as they are given; the caption says how many of the table's rows
    are left out.
    """
    longest = max(bar.size for bar in bars) or 1
    layout = {
        "height": 60 + ROW_PX * len(bars),
        "xaxis": {"visible": False, "range": [0, longest * ROOM]},
        "yaxis": row_axis(len(bars)) | _ticks(bars),
        "annotations": [row_label(place, bar.name) for place, bar in enumerate(bars)],
    }
    caption += wording.shown_note(len(bars), len(table))
    return draw([_trace(bars)], title=title, caption=caption, table=table, layout=layout)


def _ticks(bars: Sequence[Bar]) -> Layout:
    """The bars' whole names, which stand in tooltips."""
    names = [html.escape(bar.name) for bar in bars]
    return {"tickvals": list(range(len(bars))), "ticktext": names}


def _trace(bars: Sequence[Bar]) -> Trace:
    return {
        "type": "bar",
        "orientation": "h",
        "y": list(range(len(bars))),
        "x": [bar.size for bar in bars],
        "text": [f"<b>{wording.count(bar.size)}</b>  {bar.note}" for bar in bars],
        "textposition": "outside",
        "cliponaxis": False,
        "width": BAR_PX / ROW_PX,
        "marker": {"color": [bar.colour for bar in bars]},
        "hovertemplate": "%{y}<br>%{text}<extra></extra>",
        "textfont": {"color": INK["ink"]},
    }
