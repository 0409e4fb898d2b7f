"""
The time to the first open and click: lines from the median to the slowest tenth; split twice, a map
of medians.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import TYPE_CHECKING

from cxtools import wording
from cxtools.charts import heatmap
from cxtools.charts.cells import Panel, cross, place, shaded, sums
from cxtools.charts.frame import (
    Layout,
    Trace,
    draw,
    row_axis,
    row_label,
    sentence,
    too_many_splits,
)
from cxtools.charts.groups import groups_of, in_order, row_name, words
from cxtools.charts.rows import Row, rows_of
from cxtools.charts.style import NO_TIMES, OPENED_IS_MORE, REACTIONS

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

TITLE = "How long does it take?"
QUANTILES = ("median_s", "p75_s", "p90_s")
SHARES = ("half", "three quarters", "nine tenths")
TICKS_S = (1, 10, 60, 600, 3600, 6 * 3600, 86400, 7 * 86400)
#: A logarithmic axis has no 0: what took no time stands here.
SHORTEST_S = 0.1
#: How many parts are drawn at most, each with a line for opens and one for clicks.
MOST_PARTS = 10
ROW_PX = 74
#: Room for the labels of the axis of time, and the part of its length that each takes.
TICKS_PX = 30
TICK_SHARE = 0.18
#: The label of a line stands above the times that are written over it.
LABEL_PX = 24


def figure(table: pd.DataFrame) -> go.Figure:
    """The times of one campaign, or of the parts of a split."""
    rows = [row for row in rows_of(table) if row["median_s"] is not None]
    if not rows:
        return sentence(TITLE, NO_TIMES, table)
    match groups_of(table):
        case () | (_,) as splits:
            return _lines(table, rows, splits)
        case (_, _) as splits:
            return _map(table, rows, splits)
        case splits:
            return too_many_splits(TITLE, splits, table)


# --- lines ---


def _lines(
    table: pd.DataFrame,
    rows: Sequence[Row],
    splits: Sequence[str],
) -> go.Figure:
    drawn = rows_in_order(rows, splits[0]) if splits else list(rows)
    traces = [_trace(row, place) for place, row in enumerate(drawn)]
    labels = [
        row_label(place, _label(row, splits)) | {"yshift": LABEL_PX}
        for place, row in enumerate(drawn)
    ]
    layout = {
        "annotations": labels,
        "height": 90 + ROW_PX * len(drawn),
        "margin": {"b": TICKS_PX},
        "yaxis": row_axis(len(drawn)),
        "xaxis": _time_axis(drawn),
    }
    caption = (
        "Time from delivery to the first images loaded, and to the first click: half of those who "
        "did so had by the large dot, three quarters by the next, nine tenths by the last. "
        f"{OPENED_IS_MORE}{wording.shown_note(len(drawn), len(rows))}"
    )
    return draw(
        traces,
        title=TITLE,
        caption=caption,
        table=table,
        layout=layout,
    )


def rows_in_order(rows: Sequence[Row], split: str) -> list[Row]:
    """The rows of the parts that are drawn, those of a part together."""
    sizes = sums(rows, split, "recipients")
    parts = in_order(split, sizes, most=MOST_PARTS)[-MOST_PARTS:]
    drawn = []
    for part in parts:
        drawn += [row for row in rows if row[split] == part]
    return drawn


def _label(row: Row, splits: Sequence[str]) -> str:
    reaction = REACTIONS[row["kind"]]
    if splits:
        return row_name(splits, row, f"{reaction.word}: {wording.count(row['recipients'])}")
    return f"{reaction.first}: {wording.quantity(row['recipients'], 'recipient')}"


def _trace(row: Row, place: int) -> Trace:
    """A line through the quantiles, each with its time."""
    return {
        "type": "scatter",
        "mode": "lines+markers+text",
        "x": [_seconds(row, quantile) for quantile in QUANTILES],
        "y": [place] * len(QUANTILES),
        "text": _times(row),
        "textposition": ["bottom left", "top center", "bottom right"],
        "cliponaxis": False,
        "hovertemplate": "%{hovertext}<extra></extra>",
        "hovertext": _quantiles_in_words(row),
        "line": {"color": REACTIONS[row["kind"]].colour, "width": 3},
        "marker": {"size": [12, 8, 8], "opacity": 1},
    }


def _seconds(row: Row, quantile: str) -> float:
    return max(float(row[quantile]), SHORTEST_S)


def _times(row: Row) -> list[str]:
    """The times of the quantiles; one that reads like one before it is left out."""
    texts: list[str] = []
    for quantile in QUANTILES:
        text = wording.duration(row[quantile])
        texts.append("" if text in texts else text)
    return texts


def _quantiles_in_words(row: Row) -> list[str]:
    word = REACTIONS[row["kind"]].word
    texts = []
    for share, quantile in zip(SHARES, QUANTILES, strict=True):
        texts.append(f"{word}: {share} within {wording.duration(row[quantile])}")
    return texts


def _time_axis(rows: Sequence[Row]) -> Layout:
    shortest = log10(min(_seconds(row, QUANTILES[0]) for row in rows))
    longest = log10(max(_seconds(row, QUANTILES[-1]) for row in rows))
    a_label = max(0.2 * (longest - shortest), 0.5)
    first = shortest - a_label
    last = longest + a_label
    ticks = ticks_of(first, last)
    return {
        "type": "log",
        "tickvals": ticks,
        "ticktext": [wording.duration(tick) for tick in ticks],
        "range": [first, last],
    }


def ticks_of(first: float, last: float) -> list[int]:
    """
    The named times of an axis between two powers of ten that stand far enough from each other.

    >>> ticks_of(-1, 6), ticks_of(3, 5)
    ([1, 60, 3600, 86400], [3600, 21600, 86400])
    """
    ticks: list[int] = []
    for tick in TICKS_S:
        place = log10(tick)
        is_far = not ticks or place - log10(ticks[-1]) >= TICK_SHARE * (last - first)
        if first <= place <= last and is_far:
            ticks.append(tick)
    return ticks


# --- a map ---


def _map(
    table: pd.DataFrame,
    rows: Sequence[Row],
    splits: Sequence[str],
) -> go.Figure:
    crossing = cross(rows, splits, "recipients")
    placed = [(place(row, splits), row) for row in rows]
    panels = []
    for kind, reaction in REACTIONS.items():
        own = [(key, row) for key, row in placed if row["kind"] == kind]
        medians = {key: row["median_s"] for key, row in own if key in crossing.rows}
        if medians:
            cells = shaded(medians, wording.duration)
            panels.append(Panel(cells, reaction.colour, f"{reaction.first} (median)"))
    caption = (
        f"Median time from delivery, by {words(splits)}; an empty cell has no such event with a "
        f"known time. The stronger the colour, the longer. {OPENED_IS_MORE}"
        f"{wording.shown_note(len(crossing.rows), len(dict(placed)))}"
    )
    return heatmap.figure(
        panels,
        crossing.grid,
        title=TITLE,
        caption=caption,
        table=table,
    )
