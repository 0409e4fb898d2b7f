"""
How soon people reacted: lines over the time since delivery; split once, a map of how many had
reacted by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10
from typing import TYPE_CHECKING, Any, NamedTuple

from cxtools import wording
from cxtools.charts import heatmap
from cxtools.charts.cells import MOST_ROWS, Grid, Key, Panel, shaded
from cxtools.charts.frame import Trace, draw, sentence, too_many_splits
from cxtools.charts.groups import GROUPS, groups_of, in_order, part_name
from cxtools.charts.rows import Row, rows_of
from cxtools.charts.style import NO_TIMES, OPENED_IS_MORE, REACTIONS

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

TITLE = "How soon did people react?"
#: Hours since delivery that have a name, on an axis or as a column.
HOURS = {1: "1 h", 4: "4 h", 12: "12 h", 24: "1 d", 72: "3 d", 168: "7 d", 720: "30 d"}


class Line(NamedTuple):
    """One kind of reaction: how many had reacted after so many hours, as shares of the delivered."""

    kind: str
    hours: Sequence[int]
    shares: Sequence[float]


def figure(table: pd.DataFrame) -> go.Figure:
    """The reactions of one campaign as lines, of several parts as a map."""
    rows = rows_of(table)
    splits = groups_of(table)
    if not rows:
        return sentence(TITLE, NO_TIMES, table)
    if len(splits) > 1:
        return too_many_splits(TITLE, splits, table)
    if splits:
        return _map(table, rows, splits[0])
    return _lines(table, rows)


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
    ends = ", ".join(
        f"{REACTIONS[line.kind].word.lower()} {wording.percent(line.shares[-1])}" for line in lines
    )
    if last == 1:
        at_once = f"All who reacted did so within the first hour: {ends}."
        return sentence(TITLE, at_once, table)
    caption = (
        f"Share of the {wording.count(rows[0]['delivered'])} delivered whose images were loaded, or "
        f"who had clicked, by then; at the end {ends}. {OPENED_IS_MORE} Some are machines."
    )
    layout = {
        "height": 360,
        "hovermode": "x",
        "xaxis": {
            "type": "log",
            "tickvals": list(HOURS),
            "ticktext": list(HOURS.values()),
            "range": [-0.05, log10(max(last, 12)) + 0.05],
            "title": {"text": "time since delivery", "standoff": 6},
        },
        "yaxis": {
            "tickformat": ".3~%",
            "range": [0, highest * 1.15],
            "nticks": 5,
            "showgrid": True,
        },
    }
    traces = [_trace(line, highest) for line in lines]
    return draw(traces, title=TITLE, caption=caption, table=table, layout=layout)


def _trace(line: Line, highest: float) -> Trace:
    """A line with its name and its last value at its end."""
    reaction = REACTIONS[line.kind]
    end = f"<b>{reaction.word} {wording.percent(line.shares[-1])}</b>"
    return {
        "type": "scatter",
        "mode": "lines+text" if len(line.hours) > 1 else "markers+text",
        "name": reaction.word,
        "x": list(line.hours),
        "y": list(line.shares),
        "text": [""] * (len(line.hours) - 1) + [end],
        "textposition": _end_position(line, highest),
        "textfont": {"color": reaction.colour},
        "marker": {"color": reaction.colour, "size": 9},
        "line": {"color": reaction.colour, "width": 2.5, "shape": "hv"},
        "cliponaxis": False,
        "hovertemplate": f"{reaction.word}: %{{y:.1%}} after %{{x}} h<extra></extra>",
    }


def _end_position(line: Line, highest: float) -> str:
    """Where a line's name has room: towards the middle, and not on the other line's name."""
    side = "right" if line.hours[-1] < 4 else "left"
    crowded = line.kind == "click" and line.shares[-1] > 0.85 * highest
    return f"bottom {side}" if crowded else f"top {side}"


# --- several parts ---


def _map(table: pd.DataFrame, rows: Sequence[Row], split: str) -> go.Figure:
    sizes = {row[split]: row["delivered"] for row in rows}
    parts = in_order(split, sizes, most=MOST_ROWS)
    names = {part: f"{part_name(split, part)} ({wording.count(sizes[part])})" for part in parts}
    last = max(row["hours"] for row in rows if row[split] in parts)
    grid = Grid(list(names.values()), [HOURS[hours] for hours in hours_until(last)])
    panels = []
    for kind, reaction in REACTIONS.items():
        shares = _shares([row for row in rows if row["kind"] == kind], split, names)
        if shares:
            cells = shaded(shares, wording.percent)
            panels.append(Panel(cells, reaction.colour, reaction.word))
    caption = (
        "Share of the delivered (in brackets) whose images were loaded, or who had clicked, by "
        f"then, by {GROUPS[split].one}; after the last number of a line nothing more came. "
        f"{OPENED_IS_MORE} Some are machines.{wording.cut(len(parts), len(sizes))}"
    )
    return heatmap.figure(panels, grid, title=TITLE, caption=caption, table=table)


def _shares(rows: Sequence[Row], split: str, names: Mapping[Any, str]) -> dict[Key, float]:
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
