"""
Control charts: a panel for each rate, the usual share and its limits as lines, a dot a campaign.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from math import ceil
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from cxtools import wording
from cxtools.charts.frame import MARGIN, TITLE_PX, Layout, Trace, draw, sentence
from cxtools.charts.groups import groups_of, part_name
from cxtools.charts.rows import Row, rows_of
from cxtools.charts.style import INK
from cxtools.measures.benchmarks import benchmarks_of

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

TITLE = "Is it getting better or worse, and since when?"
NOTHING = "There is no trend yet: no campaign has been delivered, or none has a moment."
#: How many panels are drawn, how high each is, what stays free between them and above the first.
MOST_PANELS = 6
PANEL_PX = 100
GAP_PX = 50
HEADING_PX = 22
#: Room for the shares, for the names of campaigns and for the half of the last one; the part of the
#: axis that each name takes.
SHARES_PX = 58
NAMES_PX = 34
END_PX = 28
NAME_SHARE = 0.34
#: How long a line of a name is, and the room for the second one.
NAME_LETTERS = 11
LINE_PX = 14
MOST_LINES = 2
#: Metric -> what stands above its panel.
WORDS = {
    "delivery_rate": "Delivered",
    "hard_bounce_rate": "Hard bounces",
    "block_rate": "Blocked",
    "open_rate": "Opened",
    "click_rate": "Clicked",
}
#: Standing -> the mark and the colour of a dot.
DOTS = {
    "alert": ("diamond", INK["orange"], 9),
    "baseline": ("circle-open", INK["blue"], 7),
    "usual": ("circle", INK["blue"], 6),
    "too early": ("x-thin-open", INK["quiet"], 6),
    "too few": ("x-thin-open", INK["quiet"], 6),
}
#: The stroke of a hollow mark: a thinner one can't be seen on a dark page.
HOLLOW_PX = 2
CAPTION = (
    "A dot is {one}: hollow in the baseline, a diamond in an alert, a cross where it is too early "
    "or there are too few messages to tell. The line is what is usual, the grey ones are three "
    "standard deviations away: one of some 370 lies beyond them by itself."
)


def figure(table: pd.DataFrame, *, benchmarks: bool = False) -> go.Figure:
    """
    The charts of a trend; of many groups those with alerts first. With *benchmarks* the averages
    that others publish are drawn as dotted lines.
    """
    rows = rows_of(table)
    if not rows:
        return sentence(TITLE, NOTHING, table)
    splits = [name for name in groups_of(table) if name != "campaign"]
    period = next((name for name in splits if name in ("week", "day")), "campaign")
    parts = [name for name in splits if name != period]
    panels = _panels(rows, parts)
    drawn = dict(list(panels.items())[:MOST_PANELS])
    names = _names(rows, period)
    names_px = NAMES_PX
    if any(len(name) > NAME_LETTERS for name in names):
        names_px += LINE_PX
    layout: Layout = {
        "height": TITLE_PX + MARGIN["t"] + _panels_px(len(drawn)) + names_px,
        "margin": {"b": names_px, "l": SHARES_PX, "r": END_PX},
        "annotations": [],
    }
    traces: list[Trace] = []
    for number, (title, own) in enumerate(drawn.items()):
        axis = f"{number + 1}" if number else ""
        traces += _panel_traces(own, names, period, axis)
        layout |= _axes(number, len(drawn), axis, names)
        layout["annotations"].append(_heading(number, len(drawn), title))
        if benchmarks:
            traces += _benchmark_lines(own[0]["metric"], len(names), axis)
    caption = CAPTION.format(one=f"a {period}") + wording.shown_note(len(drawn), len(panels))
    if benchmarks:
        caption += _benchmark_note([own[0]["metric"] for own in drawn.values()])
    return draw(traces, title=TITLE, caption=caption, table=table, layout=layout)


def _panels(rows: Sequence[Row], parts: Sequence[str]) -> dict[str, list[Row]]:
    """Title -> rows of each panel; of panels of groups those with alerts first."""
    panels: dict[str, list[Row]] = {}
    for row in rows:
        group = [part_name(name, row[name]) for name in parts if row[name] is not None]
        title = " · ".join([WORDS[row["metric"]], *group])
        panels.setdefault(title, []).append(row)
    if not parts:
        return panels
    return dict(sorted(panels.items(), key=lambda item: -_alerts(item[1])))


def _alerts(rows: Sequence[Row]) -> int:
    return sum(row["standing"] == "alert" for row in rows)


def _names(rows: Sequence[Row], period: str) -> list[str]:
    """The periods, oldest first."""
    first = {str(row[period]): str(row["first_at"]) for row in rows}
    return sorted(first, key=lambda name: first[name])


def _panel_traces(rows: Sequence[Row], names: Sequence[str], period: str, axis: str) -> list[Trace]:
    own = sorted(rows, key=lambda row: names.index(str(row[period])))
    places = [names.index(str(row[period])) for row in own]
    on_axes = {"xaxis": f"x{axis}", "yaxis": f"y{axis}", "type": "scatter"}
    lines = [
        on_axes | _line(places, own, "limit_low", INK["grey"], 1),
        on_axes | _line(places, own, "limit_high", INK["grey"], 1),
        on_axes | _line(places, own, "usual", INK["quiet"], 1.5),
    ]
    return [*lines, on_axes | _dots(places, own, period)]


def _line(
    places: Sequence[int], rows: Sequence[Row], column: str, colour: str, width: float
) -> Trace:
    return {
        "mode": "lines",
        "x": list(places),
        "y": [row[column] for row in rows],
        "line": {"color": colour, "width": width, "shape": "hvh"},
        "hoverinfo": "skip",
    }


def _dots(places: Sequence[int], rows: Sequence[Row], period: str) -> Trace:
    marks = [DOTS[row["standing"]] for row in rows]
    return {
        "mode": "markers",
        "x": list(places),
        "y": [row["share"] for row in rows],
        "marker": {
            "symbol": [symbol for symbol, _, _ in marks],
            "color": [colour for _, colour, _ in marks],
            "size": [size for _, _, size in marks],
            "opacity": 1,
            "line": {"width": [_stroke_px(symbol) for symbol, _, _ in marks]},
        },
        "text": [_told(row, period) for row in rows],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _stroke_px(symbol: str) -> int:
    return HOLLOW_PX if symbol.endswith("-open") else 0


def _told(row: Row, period: str) -> str:
    cases = f"{wording.count(row['part'])} of {wording.count(row['whole'])}"
    share = wording.percent(row["share"])
    usual = wording.percent(row["usual"])
    return f"{row[period]}: {share} ({cases}); usual {usual}; {row['standing']}"


def _benchmark_lines(metric: str, periods: int, axis: str) -> list[Trace]:
    """
    A dotted line for each published average: the highest is named above its end, the next below its
    beginning.
    """
    averages = sorted(benchmarks_of(metric), key=lambda each: -each.share)
    return [
        {
            "xaxis": f"x{axis}",
            "yaxis": f"y{axis}",
            "type": "scatter",
            "mode": "lines+text",
            "x": [0, periods - 1],
            "y": [each.share, each.share],
            "line": {"color": INK["quiet"], "width": 1, "dash": "dot"},
            "text": [each.name, ""] if number % 2 else ["", each.name],
            "textposition": "bottom right" if number % 2 else "top left",
            "textfont": {"color": INK["quiet"], "size": 11},
            "cliponaxis": False,
            "hoverinfo": "skip",
        }
        for number, each in enumerate(averages)
    ]


def _benchmark_note(metrics: Sequence[str]) -> str:
    """What the published averages count, each said once."""
    found = []
    for metric in dict.fromkeys(metrics):
        for each in benchmarks_of(metric):
            found.append(
                f"{WORDS[metric].lower()}, {each.source} {each.published}: {each.definition}"
            )
    if not found:
        return " Nobody whose figures ship with cxtools publishes an average of these rates."
    return (
        " Dotted lines are averages of other senders, as platforms publish them by definitions of "
        f"their own ({'; '.join(found)}). Here a click counts as an open."
    )


def _panels_px(panels: int) -> int:
    """The height of so many panels, with what stays free above each."""
    return HEADING_PX + panels * PANEL_PX + (panels - 1) * GAP_PX


def _domain(number: int, panels: int) -> tuple[float, float]:
    """The part of the height that a panel takes, from the top down."""
    whole = _panels_px(panels)
    bottom = _panels_px(number + 1)
    return 1 - bottom / whole, 1 - (bottom - PANEL_PX) / whole


def _axes(number: int, panels: int, axis: str, names: Sequence[str]) -> Layout:
    low, high = _domain(number, panels)
    first = -0.7
    last = len(names) - 0.3
    step = ceil(NAME_SHARE * (last - first))
    shown = list(range(0, len(names), step))
    across: dict[str, Any] = {
        "anchor": f"y{axis}",
        "range": [first, last],
        "tickvals": shown,
        "ticktext": [_label(names[place]) for place in shown],
        "showgrid": False,
        "tickfont": {"color": INK["ink"], "size": 11},
        "ticklabelstandoff": 6,
        "showticklabels": number == panels - 1,
    }
    up = {
        "anchor": f"x{axis}",
        "domain": [low, high],
        "tickformat": ".2~%",
        "nticks": 4,
        "autorangeoptions": {"clipmin": -0.05, "clipmax": 1.05},
        "showgrid": True,
    }
    return {f"xaxis{axis}": across, f"yaxis{axis}": up}


def _label(name: str) -> str:
    """
    A name on one or two lines, broken at its hyphens or spaces; its beginning and its end where
    these don't hold it.

    >>> _label("q3-update"), _label("weekly-digest-37"), _label("black-friday-early-customers")
    ('q3-update', 'weekly-<br>digest-37', 'black-frida…<br>y-customers')
    >>> _label("welcome-series-part-2")
    'welcome-ser<br>ies-part-2'
    """
    lines = wrap(name, NAME_LETTERS)
    if len(lines) > MOST_LINES and len(name) <= MOST_LINES * NAME_LETTERS:
        lines = [name[:NAME_LETTERS], name[NAME_LETTERS:]]
    elif len(lines) > MOST_LINES:
        lines = [f"{name[:NAME_LETTERS]}…", name[-NAME_LETTERS:]]
    return "<br>".join(html.escape(line) for line in lines)


def _heading(number: int, panels: int, title: str) -> Layout:
    _, high = _domain(number, panels)
    return {
        "text": f"<b>{title}</b>",
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": high,
        "yref": "paper",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"color": INK["ink"], "size": 13},
    }
