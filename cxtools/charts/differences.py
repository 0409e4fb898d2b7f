"""
Differences of rates with their intervals: a panel for each rate, a line for each pair.

A dot is full where the difference is significant, and hollow where chance may have made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cxtools import wording
from cxtools.charts.frame import Layout, Trace, draw, row_axis, row_label, sentence
from cxtools.charts.groups import SEPARATOR, groups_of, part_name, splits_of
from cxtools.charts.rates import TICK_STEPS
from cxtools.charts.rows import SHOWN_ROWS, Row, rows_of
from cxtools.charts.style import INK, RATED
from cxtools.measures.catalogue.delivery import COMPARE, RULE

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

TITLE = "Which rates differ, and is it more than chance?"
#: The part of the width between two panels, and room for their names and ticks.
GAP = 0.065
PANELS_PX = 48
#: A word stands in bold above its panel; that of a rate which is no stage of the funnel is quiet.
PANELS = {stage.rate: (stage.word, stage.colour) for stage in RATED}
OTHER_PANEL = ("Of opened", INK["quiet"])
#: Finding -> the mark of its dot.
MARKS = {
    "significant": "circle",
    "promising": "circle-open-dot",
    "no difference shown": "circle-open",
    "too few": "x-thin-open",
}
#: An axis ends a little beyond its longest interval.
ROOM = 1.1
LEAST_REACH = 0.001


def figure(table: pd.DataFrame) -> go.Figure:
    """The differences of a comparison."""
    rows = rows_of(table)
    if not rows:
        return sentence(TITLE, COMPARE.nothing(splits_of(table)), table)
    several = ["campaign"] if table["campaign"].nunique() > 1 and groups_of(table) else []
    for row in rows:
        row["pair"] = pair_name(row, several)
    pairs = list(dict.fromkeys(row["pair"] for row in rows))
    names = pairs[:SHOWN_ROWS]
    metrics = _drawn_metrics(rows)
    labels = [row_label(place, name) | {"yshift": 5} for place, name in enumerate(names)]
    layout: Layout = {
        "height": 120 + 44 * len(names),
        "margin": {"t": PANELS_PX},
        "yaxis": row_axis(len(names)),
        "annotations": labels,
    }
    traces = []
    for number, metric in enumerate(metrics):
        own = [row for row in rows if row["metric"] == metric and row["pair"] in names]
        axis = f"{number + 1}" if number else ""
        traces.append(_dots(own, names) | {"xaxis": f"x{axis}"})
        layout[f"xaxis{axis}"] = _axis(metric, own, number, len(metrics))
    caption = (
        f"Percentage points more (right of 0) or less, with 95% intervals. Full dots: significant. "
        f"{RULE}{wording.shown_note(len(names), len(pairs))}"
    )
    return draw(traces, title=TITLE, caption=caption, table=table, layout=layout)


def pair_name(row: Row, among: Sequence[str] = ()) -> str:
    """
    Both sides of a pair, and its campaign where it is *among* others'.

    >>> row = {"campaign": "q4", "plan": "pro", "metric": "open_rate", "beside": "free"}
    >>> pair_name(row), pair_name(row, ["campaign"])
    ('pro beside free', 'q4 · pro beside free')
    >>> pair_name({"campaign": "q4", "metric": "open_rate", "beside": "q3"})
    'q4 beside q3'
    """
    columns = list(row)
    names = columns[1 : columns.index("metric")]
    parts = [part_name(group, row[group]) for group in [*among, *names] or ["campaign"]]
    return f"{SEPARATOR.join(parts)} beside {row['beside']}"


def _axis(metric: str, rows: Sequence[Row], number: int, panels: int) -> Layout:
    pitch = (1 + GAP) / panels
    word, colour = PANELS.get(metric, OTHER_PANEL)
    lows = [abs(row["difference_low"] or 0.0) for row in rows]
    highs = [abs(row["difference_high"] or 0.0) for row in rows]
    reach = ROOM * max([LEAST_REACH, *lows, *highs])
    return {
        "domain": [number * pitch, (number + 1) * pitch - GAP],
        "range": [-reach, reach],
        "tickformat": "+.2~%",
        "tickvals": [_tick(reach)],
        "side": "top",
        "zeroline": True,
        "zerolinecolor": INK["quiet"],
        "title": {
            "text": f"<b>{word}</b>",
            "font": {"color": colour, "size": 14},
            "standoff": 6,
        },
    }


def _tick(reach: float) -> float:
    """
    A round difference; the axis reaches as far to the other side.

    >>> _tick(0.031), _tick(0.049)
    (0.02, 0.04)
    """
    step = next((step for step in TICK_STEPS if step < reach), LEAST_REACH / 2)
    return round(reach // step * step, 4)


def _drawn_metrics(rows: Sequence[Row]) -> list[str]:
    """The rates of which something can be said; all, where that is so of none."""
    judged = [row["metric"] for row in rows if row["finding"] != "too few"]
    return list(dict.fromkeys(judged or [row["metric"] for row in rows]))


def _dots(rows: Sequence[Row], names: Sequence[str]) -> Trace:
    colour = INK["blue"]
    places = [names.index(row["pair"]) for row in rows]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [row["difference"] for row in rows],
        "y": places,
        "marker": {
            "color": colour,
            "size": 10,
            "symbol": [MARKS[row["finding"]] for row in rows],
        },
        "error_x": {
            "type": "data",
            "symmetric": False,
            "color": colour,
            "thickness": 2,
            "width": 0,
            "array": [_length(row, "high") for row in rows],
            "arrayminus": [_length(row, "low") for row in rows],
        },
        "text": [_told(row) for row in rows],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _length(row: Row, end: str) -> float:
    """How far the interval reaches beyond the difference."""
    bound: Any = row[f"difference_{end}"]
    return abs(float(bound) - float(row["difference"]))


def _told(row: Row) -> str:
    shares = f"{wording.percent(row['share'])} and {wording.percent(row['beside_share'])}"
    return f"{row['pair']}: {shares}, {row['finding']}"
