"""
The frame around a figure: its title, its caption, its axes, and the table that travels with it.

The table lies in `layout.meta`, so that a page can offer the numbers beside the picture.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from cxtools import formats, wording
from cxtools.charts.columns import shown_columns
from cxtools.charts.groups import (
    LABEL_LETTERS,
    group_named,
    groups_of,
    limits_note,
    part_name,
    zone_note,
)
from cxtools.charts.headlines import headline
from cxtools.charts.rows import kept_rows
from cxtools.charts.style import BY_DAY, FONT, INK

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

#: plotly's own words, as plain JSON.
Trace = dict[str, Any]
Layout = dict[str, Any]

BAR_PX = 17
#: How much of a figure's height was meant for its title, and what title and caption really take:
#: at most so many letters a line. The narrowest figure has 320 px, in JupyterLab in a window of
#: 480 px.
TITLE_PX = 36
TITLE_LINE_PX = 21
TITLE_PAD_PX = 22
TITLE_LETTERS = 30
#: Room above a title; plotly lifts one of several lines.
TITLE_TOP_PX = 14
LINES_TOP_PX = 21
CAPTION_LINE_PX = 16
CAPTION_PAD_PX = 18
CAPTION_LETTERS = 44
CAPTION = "caption"
MARGIN = {"l": 16, "r": 16, "t": 12, "b": 8}
#: plotly's default template, which nobody chose.
PLOTLYS_OWN = (None, "none", "plotly")
#: Its decimal mark, and the one between thousands.
PLOTLYS_MARKS = ".,"
AXIS = {
    "gridcolor": INK["grid"],
    "zeroline": False,
    "ticks": "",
    "tickangle": 0,
    "automargin": True,
    "tickfont": {"color": INK["ink"]},
    "fixedrange": True,
}
AXIS_TITLE = {"font": {"color": INK["quiet"], "size": 12}}
UP = {"ticksuffix": "  ", "showgrid": False}
LEGEND: Layout = {"orientation": "v", "x": 0, "y": 1, "yanchor": "bottom"}
LOOK = {
    "template": "none",
    "font": {"family": FONT, "size": 13, "color": INK["ink"]},
    "paper_bgcolor": INK["paper"],
    "plot_bgcolor": INK["paper"],
    "showlegend": False,
    "legend": LEGEND,
    "dragmode": False,
}


def draw(
    traces: Sequence[Trace], *, title: str, caption: str, table: pd.DataFrame, layout: Layout
) -> go.Figure:
    """The figure of some traces, in the look of all figures, with its table."""
    from cxtools.charts.still import StillFigure

    margin = MARGIN | layout.get("margin", {})
    caption += limits_note(table)
    if traces:
        caption += zone_note(groups_of(table))
    above = TITLE_PAD_PX + TITLE_LINE_PX * len(_lines(title, TITLE_LETTERS))
    meta = {
        "title": title,
        "answer": headline(table),
        "caption": caption,
        "above": above,
        "below": 0,
    } | numbers_of(table)
    labels = list(layout.get("annotations", []))
    if traces:
        labels.append(_foot(caption, margin))
        lines = len(_lines(caption, CAPTION_LETTERS))
        meta["below"] = CAPTION_PAD_PX + CAPTION_LINE_PX * lines
    whole = LOOK | layout | axes(layout) | {"title": _heading(title), "meta": meta}
    if formats.current().marks != PLOTLYS_MARKS:
        whole["separators"] = formats.current().marks
    whole["annotations"] = labels
    whole["height"] = layout["height"] - TITLE_PX + above + meta["below"]
    whole["margin"] = margin | {"t": margin["t"] + above, "b": margin["b"] + meta["below"]}
    return StillFigure(in_template({"data": list(traces), "layout": whole}))


def _heading(title: str) -> Layout:
    """A figure's title, at its top whatever stands below."""
    lines = _lines(title, TITLE_LETTERS)
    top = TITLE_TOP_PX if len(lines) == 1 else LINES_TOP_PX
    return {
        "text": f"<b>{'<br>'.join(lines)}</b>",
        "x": 0,
        "xref": "container",
        "y": 1,
        "yref": "container",
        "yanchor": "top",
        "pad": {"l": 16, "t": top},
        "font": {"size": 16},
    }


def _foot(caption: str, margin: Layout) -> Layout:
    """
    A figure's caption below its axes, and below its title's first letter; a page knows it by its
    name, and prints it as text.
    """
    return {
        "name": CAPTION,
        "text": "<br>".join(_lines(caption, CAPTION_LETTERS)),
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": 0,
        "yref": "paper",
        "yanchor": "top",
        "xshift": MARGIN["l"] - margin["l"],
        "yshift": -margin["b"],
        "align": "left",
        "showarrow": False,
        "font": {"color": INK["quiet"], "size": 12},
    }


def _lines(text: str, letters: int) -> list[str]:
    """A text in lines that the narrowest notebook has room for; plotly breaks none."""
    lines = wrap(text, letters, break_on_hyphens=False)
    return [html.escape(line, quote=False) for line in lines]


def in_template(figure: dict[str, Any]) -> dict[str, Any]:
    """
    A figure in the notebook's own template where a person chose one: that says the colours of
    paper, ink and grid then, and ours stay out of its way.
    """
    import plotly.io

    chosen = plotly.io.templates.default
    if chosen in PLOTLYS_OWN:
        return figure
    plain: dict[str, Any] = _without_ink(figure)
    plain["layout"]["template"] = chosen
    return plain


def _without_ink(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_ink(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {key: _without_ink(value) for key, value in part.items() if not _is_ink(value)}


def _is_ink(value: object) -> bool:
    return isinstance(value, str) and value in BY_DAY


def numbers_of(table: pd.DataFrame) -> dict[str, Any]:
    """What a page makes a data table and a CSV of: all columns, those for readers, the rows."""
    return {
        "columns": [str(column) for column in table.columns],
        "shown": shown_columns(table),
        "rows": kept_rows(table),
        "of": len(table),
    }


def axes(layout: Layout) -> Layout:
    """The axes of a layout in the look of all figures; a figure has at least one of each."""
    names = {name for name in layout if name.startswith(("xaxis", "yaxis"))}
    return {name: _axis(name, layout.get(name, {})) for name in {*names, "xaxis", "yaxis"}}


def _axis(name: str, own: Layout) -> Layout:
    look = AXIS | UP if name.startswith("yaxis") else AXIS
    title = AXIS_TITLE | own.get("title", {})
    return look | own | {"title": title}


NOT_YET = "No delivery or bounce has been reported yet."
NOT_TOLD = (
    "The events tell of no delivery and of no sending, so nobody can say of how many messages the "
    "bounces, opens and clicks are a part."
)


def sentence(title: str, text: str, table: pd.DataFrame) -> go.Figure:
    """
    A sentence in place of a figure where there is nothing to draw; a page prints it as its text.
    """
    lines = _lines(text, TITLE_LETTERS)
    words = {
        "text": "<br>".join(lines),
        "x": 0,
        "y": 1,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "top",
        "align": "left",
        "showarrow": False,
        "font": {"size": 14},
    }
    layout = {
        "height": 90 + 20 * len(lines),
        "annotations": [words],
        "xaxis": {"visible": False},
        "yaxis": {"visible": False},
    }
    return draw([], title=title, caption=text, table=table, layout=layout)


def nothing_attempted(title: str, table: pd.DataFrame) -> go.Figure:
    """A sentence in place of a figure where nothing was attempted, as far as the feed tells."""
    happened = [column for column in ("bounced", "opened", "clicked") if column in table]
    text = NOT_TOLD if table[happened].to_numpy().any() else NOT_YET
    return sentence(title, text, table)


def nothing_to_compare(table: pd.DataFrame, group: str, mail: str = "all mail") -> go.Figure:
    """A split into fewer than two parts compares nothing, and says so."""
    title = f"How do {group_named(group).many} compare?"
    if not len(table):
        text = "There is nothing to compare: no delivery or bounce has been reported yet."
        return sentence(title, text, table)
    name = part_name(group, table[group].iloc[0])
    text = f"There is nothing to compare: {mail} belongs to one {group_named(group).one}, {name}."
    return sentence(title, text, table)


def too_many_splits(title: str, groups: Sequence[str], table: pd.DataFrame) -> go.Figure:
    """A picture has two dimensions; a table split by more says so."""
    columns = ", ".join(groups)
    text = (
        f"Not drawn: the table is split by {columns}, too many for one picture. It has the numbers "
        "of all."
    )
    return sentence(title, text, table)


def row_label(place: int, text: str) -> Layout:
    """A row's name above its mark, so that it takes no width from it: readable on a phone."""
    return {
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": place,
        "yanchor": "bottom",
        "yshift": BAR_PX // 2 + 1,
        "showarrow": False,
        "text": html.escape(wording.short(text, LABEL_LETTERS)),
        "font": {"color": INK["ink"]},
        "bgcolor": INK["paper"],
        "borderpad": 1,
    }


def row_axis(rows: int) -> Layout:
    """An axis of rows from the top down, named by labels instead of ticks."""
    return {"range": [rows - 0.5, -0.65], "showticklabels": False, "showgrid": False}
