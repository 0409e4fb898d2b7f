"""
How soon people reacted: lines over the time since delivery, of a few campaigns in a panel for each
reaction; split otherwise, a map of how many had reacted by then.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from math import log10
from typing import TYPE_CHECKING, Any, NamedTuple

from cxtools import wording
from cxtools.charts import heatmap
from cxtools.charts.cells import MOST_ROWS, Grid, Key, Panel, shaded
from cxtools.charts.frame import LEGEND, Layout, Trace, draw, sentence, too_many_splits
from cxtools.charts.groups import LABEL_LETTERS, group_named, groups_of, in_order, part_name
from cxtools.charts.rows import Row, rows_at, rows_of, values_of
from cxtools.charts.style import INK, NO_TIMES, OPENED_IS_MORE, REACTIONS

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

TITLE = "How soon did people react?"
#: Hours since delivery that have a name, on an axis or as a column.
HOURS = {1: "1 h", 4: "4 h", 12: "12 h", 24: "1 d", 72: "3 d", 168: "7 d", 720: "30 d"}
#: The axis of time has at least so many hours.
SHORTEST_AXIS = 12
#: Room for the labels of the axis of time and its title, and for those of the shares.
TICKS_PX = 46
SHARES_PX = 52
#: From here on there is room to the left of a line's end.
FAR = 4


class Look(NamedTuple):
    """How the line of one campaign is drawn, so that no colour tells it alone."""

    colour: str
    dash: str


#: As many campaigns as can be told apart as lines.
LOOKS = (
    Look(INK["blue"], "solid"),
    Look(INK["orange"], "dash"),
    Look(INK["green"], "dot"),
)
#: Heights of a panel, of what stands above it, and of a line of the legend.
PANEL_PX = 200
PANEL_TITLE_PX = 34
LEGEND_PX = 24


class Line(NamedTuple):
    """One kind of reaction: after so many hours this share of the delivered had reacted."""

    kind: str
    hours: Sequence[int]
    shares: Sequence[float]

    @property
    def end(self) -> str:
        """The line's name and its last value."""
        return f"{REACTIONS[self.kind].word} {wording.percent(self.shares[-1])}"


def figure(table: pd.DataFrame) -> go.Figure:
    """The reactions of one campaign as lines, of several parts as a map."""
    if not len(table):
        return sentence(TITLE, NO_TIMES, table)
    match groups_of(table):
        case ():
            return _lines(table, rows_of(table))
        case ("campaign",) if table["campaign"].nunique() <= len(LOOKS):
            return _lines_of_campaigns(table, rows_of(table))
        case (split,):
            return _map(table, split)
        case splits:
            return too_many_splits(TITLE, splits, table)


# --- one campaign ---


def lines_of(rows: Sequence[Row]) -> list[Line]:
    """A line for each kind that there is."""
    lines = []
    for kind in REACTIONS:
        own = [row for row in rows if row["kind"] == kind]
        if own:
            hours = [row["hours"] for row in own]
            lines.append(Line(kind, hours, [row["rate"] for row in own]))
    return lines


def _lines(table: pd.DataFrame, rows: Sequence[Row]) -> go.Figure:
    lines = lines_of(rows)
    last = max(row["hours"] for row in rows)
    highest = max(row["rate"] for row in rows)
    ends = ", ".join(line.end.lower() for line in lines)
    if last == 1:
        at_once = f"All who reacted did so within the first hour: {ends}."
        return sentence(TITLE, at_once, table)
    delivered = wording.count(rows[0]["delivered"])
    caption = (
        f"Share of the {delivered} delivered whose images were loaded, or who had clicked, by "
        f"then; at the end {ends}. {OPENED_IS_MORE} Some are machines."
    )
    return draw(
        [_trace(line, highest) for line in lines],
        title=TITLE,
        caption=caption,
        table=table,
        layout=_lines_layout(last, highest),
    )


def _lines_layout(last: int, highest: float) -> Layout:
    """Time on a logarithmic axis, at least half a day of it."""
    end = log10(max(last, SHORTEST_AXIS))
    return {
        "height": 360,
        "margin": {"b": TICKS_PX, "l": SHARES_PX},
        "hovermode": "x",
        "xaxis": {
            "type": "log",
            "tickvals": list(HOURS),
            "ticktext": list(HOURS.values()),
            "range": [-0.1, end + 0.05],
            "title": {"text": "time since delivery", "standoff": 6},
        },
        "yaxis": {
            "tickformat": ".3~%",
            "range": [0, highest * 1.15],
            "nticks": 5,
            "showgrid": True,
        },
    }


def _trace(line: Line, highest: float) -> Trace:
    """A line with its name and its last value at its end."""
    reaction = REACTIONS[line.kind]
    before_the_end = len(line.hours) - 1
    return {
        "type": "scatter",
        "mode": "lines+text" if before_the_end else "markers+text",
        "name": reaction.word,
        "x": list(line.hours),
        "y": list(line.shares),
        "text": [*[""] * before_the_end, f"<b>{line.end}</b>"],
        "textposition": _end_position(line, highest),
        "textfont": {"color": reaction.colour},
        "marker": {"color": reaction.colour, "size": 9},
        "line": {"color": reaction.colour, "width": 2.5, "shape": "hv"},
        "cliponaxis": False,
        "hovertemplate": f"{reaction.word}: %{{y:.1%}} after %{{x}} h<extra></extra>",
    }


def _end_position(line: Line, highest: float) -> str:
    """Where a line's name has room: towards the middle, and not on the other line's name."""
    side = "left" if line.hours[-1] >= FAR else "right"
    crowded = line.kind == "click" and line.shares[-1] > 0.85 * highest
    return f"bottom {side}" if crowded else f"top {side}"


# --- several campaigns ---


def _lines_of_campaigns(table: pd.DataFrame, rows: Sequence[Row]) -> go.Figure:
    """A panel for each reaction, in it a line for each campaign."""
    campaigns = list(dict.fromkeys(row["campaign"] for row in rows))
    kinds = [kind for kind in REACTIONS if any(row["kind"] == kind for row in rows)]
    last = max(row["hours"] for row in rows)
    axis = _lines_layout(last, 0.0)["xaxis"]
    pitch = 1 / len(kinds)
    gap = PANEL_TITLE_PX / (len(kinds) * (PANEL_PX + PANEL_TITLE_PX))
    layout: Layout = {
        "height": len(kinds) * (PANEL_PX + PANEL_TITLE_PX) + LEGEND_PX * len(campaigns) + TICKS_PX,
        "margin": {"t": LEGEND_PX * len(campaigns) + 8, "b": TICKS_PX, "l": SHARES_PX},
        "hovermode": "x",
        "showlegend": True,
        "legend": LEGEND | {"itemwidth": 40, "traceorder": "normal"},
        "xaxis": axis | {"anchor": _axis_name("y", len(kinds) - 1)},
        "annotations": [],
    }
    traces = []
    for number, kind in enumerate(kinds):
        own = [row for row in rows if row["kind"] == kind]
        top = 1 - number * pitch - gap
        highest = max(row["rate"] for row in own)
        y_axis = _lines_layout(last, highest)["yaxis"]
        layout[f"yaxis{number + 1 if number else ''}"] = y_axis | {
            "domain": [max(top - pitch + gap, 0.0), top]
        }
        layout["annotations"].append(_panel_name(REACTIONS[kind].word, top))
        for look, campaign in zip(LOOKS, campaigns, strict=False):
            line = [row for row in own if row["campaign"] == campaign]
            if line:
                trace = _campaign_trace(campaign, line, look)
                traces.append(trace | {"yaxis": _axis_name("y", number), "showlegend": number == 0})
    caption = (
        f"Share of the delivered whose images were loaded, or who had clicked, by then; "
        f"{_ends(rows, campaigns, kinds)}. {OPENED_IS_MORE} Some are machines."
    )
    return draw(traces, title=TITLE, caption=caption, table=table, layout=layout)


def _axis_name(letter: str, number: int) -> str:
    return f"{letter}{number + 1}" if number else letter


def _panel_name(word: str, top: float) -> Layout:
    return {
        "text": f"<b>{word}</b>",
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": top,
        "yref": "paper",
        "yanchor": "bottom",
        "yshift": 4,
        "showarrow": False,
        "font": {"color": INK["ink"]},
    }


def _campaign_trace(campaign: str, rows: Sequence[Row], look: Look) -> Trace:
    name = wording.short(campaign, LABEL_LETTERS)
    return {
        "type": "scatter",
        "mode": "lines" if len(rows) > 1 else "markers",
        "name": html.escape(name),
        "x": [row["hours"] for row in rows],
        "y": [row["rate"] for row in rows],
        "line": {"color": look.colour, "width": 2.5, "shape": "hv", "dash": look.dash},
        "marker": {"color": look.colour, "size": 9},
        "legendgroup": campaign,
        "hovertemplate": f"{html.escape(name)}: %{{y:.1%}} after %{{x}} h<extra></extra>",
    }


def _ends(rows: Sequence[Row], campaigns: Sequence[str], kinds: Sequence[str]) -> str:
    """How many had reacted in the end, campaign by campaign."""
    texts = []
    for campaign in campaigns:
        own = [row for row in rows if row["campaign"] == campaign]
        ends = [line.end.lower() for line in lines_of(own) if line.kind in kinds]
        name = wording.short(campaign, LABEL_LETTERS)
        delivered = wording.count(own[0]["delivered"])
        texts.append(f"at the end of {name} ({delivered} delivered) {', '.join(ends)}")
    return "; ".join(texts)


# --- several parts ---


def _map(table: pd.DataFrame, split: str) -> go.Figure:
    part_of_row = values_of(table, split)
    sizes = dict(zip(part_of_row, values_of(table, "delivered"), strict=True))
    parts = in_order(split, sizes, most=MOST_ROWS)
    rows = rows_at(table, [place for place, part in enumerate(part_of_row) if part in parts])
    names = {part: f"{part_name(split, part)} ({wording.count(sizes[part])})" for part in parts}
    last = max(row["hours"] for row in rows)
    grid = Grid(list(names.values()), [HOURS[hours] for hours in hours_until(last)])
    panels = []
    for kind, reaction in REACTIONS.items():
        shares = _shares([row for row in rows if row["kind"] == kind], split, names)
        if shares:
            cells = shaded(shares, wording.percent)
            panels.append(Panel(cells, reaction.colour, reaction.word))
    caption = (
        "Share of the delivered (in brackets) whose images were loaded, or who had clicked, by "
        f"then, by {group_named(split).one}; after the last number of a line nothing more came. "
        f"{OPENED_IS_MORE} Some are machines.{wording.shown_note(len(parts), len(sizes))}"
    )
    return heatmap.figure(
        panels,
        grid,
        title=TITLE,
        caption=caption,
        table=table,
    )


def _shares(
    rows: Sequence[Row],
    split: str,
    names: Mapping[Any, str],
) -> dict[Key, float]:
    shares = {}
    for part, name in names.items():
        own = [row for row in rows if row[split] == part]
        for hours, share in shares_by_then(own).items():
            shares[name, HOURS[hours]] = share
    return shares


def shares_by_then(rows: Sequence[Row]) -> dict[int, float]:
    """
    Named hours -> the share that had reacted by then, up to the last reaction.

    >>> shares_by_then([{"hours": 2, "rate": 0.1}, {"hours": 9, "rate": 0.3}])
    {1: 0.0, 4: 0.1, 12: 0.3}
    """
    if not rows:
        return {}
    shares = {}
    for hours in hours_until(rows[-1]["hours"]):
        until = [row["rate"] for row in rows if row["hours"] <= hours]
        shares[hours] = until[-1] if until else 0.0
    return shares


def hours_until(last: int) -> list[int]:
    """
    The named hours up to the first that is not before *last*.

    >>> hours_until(24), hours_until(30)
    ([1, 4, 12, 24], [1, 4, 12, 24, 72])
    """
    earlier = [hours for hours in HOURS if hours < last]
    return list(HOURS)[: len(earlier) + 1]
