"""
Rates side by side: one split as dots with their intervals, two splits as maps.

Where two intervals overlap, the difference may be chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor
from typing import TYPE_CHECKING

from cxtools import wording
from cxtools.charts import heatmap
from cxtools.charts.cells import FEWEST, Crossing, Panel, Share, compared, cross, plain
from cxtools.charts.frame import (
    Layout,
    Trace,
    draw,
    nothing_attempted,
    nothing_to_compare,
    row_axis,
    row_label,
    sentence,
    too_many_splits,
)
from cxtools.charts.groups import group_named, groups_of, in_order, part_name
from cxtools.charts.rows import Row, rows_at, rows_of, rows_with
from cxtools.charts.style import ATTEMPTED, RATED, Stage

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

#: The part of the width between two panels.
GAP = 0.065
#: Room for the panels' names and ticks.
PANELS_PX = 48
#: The steps in which an axis of shares may be labelled.
TICK_STEPS = (0.5, 0.25, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)


def comparison(table: pd.DataFrame) -> go.Figure:
    """A campaign among earlier ones."""
    if len(table) > 1:
        return figure(table)
    alone = "There is nothing to compare with yet: no earlier campaign is known."
    return sentence("How do campaigns compare?", alone, table)


def figure(table: pd.DataFrame) -> go.Figure:
    """The rates of a funnel of several rows."""
    match groups_of(table):
        case ():
            return _dots(table, "campaign")
        case (split,) if len(table) <= 1:
            return nothing_to_compare(table, split)
        case (split,):
            return _dots(table, split)
        case (_, _) as splits:
            return _maps(table, splits)
        case splits:
            title = "How do the parts compare?"
            return too_many_splits(title, splits, table)


def measured(rows: Sequence[Row]) -> list[Stage]:
    """The stages whose rate is known of any row."""
    return [stage for stage in RATED if _known(rows, stage.rate)]


def rows_in_order(table: pd.DataFrame, group: str) -> list[Row]:
    """The rows that are drawn of a table that is split once."""
    parts = rows_with(table, [group, "attempted"])
    places = {row[group]: place for place, row in enumerate(parts)}
    sizes = {row[group]: row["attempted"] or 0 for row in parts}
    return rows_at(table, [places[part] for part in in_order(group, sizes)])


def _shares(stages: Sequence[Stage]) -> str:
    return ", ".join(f"{stage.word.lower()} of {stage.whole}" for stage in stages)


# --- one split ---


def _dots(table: pd.DataFrame, group: str) -> go.Figure:
    title = f"How do {group_named(group).many} compare?"
    rows = rows_in_order(table, group)
    stages = measured(rows)
    if not stages:
        return nothing_attempted(title, table)
    names = [part_name(group, row[group]) for row in rows]
    sizes = [wording.count(row["attempted"]) for row in rows]
    texts = [f"{name}  ({size})" for name, size in zip(names, sizes, strict=True)]
    labels = [row_label(place, text) | {"yshift": 5} for place, text in enumerate(texts)]
    layout: Layout = {
        "height": 120 + 40 * len(rows),
        "margin": {"t": PANELS_PX},
        "yaxis": row_axis(len(rows)),
        "annotations": labels,
    }
    traces = []
    for number, stage in enumerate(stages):
        axis = f"{number + 1}" if number else ""
        traces.append(_dot_trace(rows, names, stage) | {"xaxis": f"x{axis}"})
        layout[f"xaxis{axis}"] = _panel_axis(
            rows,
            stage,
            number,
            len(stages),
        )
    caption = (
        f"Shares: {_shares(stages)}. Lines are 95% intervals; where they overlap, a difference may "
        f"be chance. Each panel has its own scale.{wording.shown_note(len(rows), len(table))}"
    )
    return draw(
        traces,
        title=title,
        caption=caption,
        table=table,
        layout=layout,
    )


def _panel_axis(
    rows: Sequence[Row],
    stage: Stage,
    number: int,
    panels: int,
) -> Layout:
    pitch = (1 + GAP) / panels
    title = {
        "text": f"<b>{stage.word}</b>",
        "font": {"color": stage.colour, "size": 14},
        "standoff": 6,
    }
    return {
        "domain": [number * pitch, (number + 1) * pitch - GAP],
        "tickformat": ".2~%",
        "tickvals": ticks_of(rows, stage.rate),
        "side": "top",
        "title": title,
    }


def ticks_of(rows: Sequence[Row], rate: str) -> list[float]:
    """
    Two round shares within the intervals, at least half their range apart: as many as a third of a
    phone's width holds.

    >>> ticks_of([{"open_rate_low": 0.18, "open_rate_high": 0.44}], "open_rate")
    [0.2, 0.4]
    >>> ticks_of([{"open_rate_low": 0.46, "open_rate_high": 0.99}], "open_rate")
    [0.5, 0.9]
    """
    low = min(_known(rows, f"{rate}_low"), default=0.0)
    high = max(_known(rows, f"{rate}_high"), default=0.0)
    for step in TICK_STEPS:
        first = ceil(low / step)
        last = floor(high / step)
        is_wide = 2 * (last - first) * step >= high - low
        if last > first and is_wide:
            return [round(first * step, 4), round(last * step, 4)]
    return [round(high, 3)]


def _known(rows: Sequence[Row], column: str) -> list[float]:
    return [row[column] for row in rows if row.get(column) is not None]


def _dot_trace(
    rows: Sequence[Row],
    names: Sequence[str],
    stage: Stage,
) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [row.get(stage.rate) for row in rows],
        "y": list(range(len(rows))),
        "marker": {"color": stage.colour, "size": 9},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "color": stage.colour,
            "thickness": 2,
            "width": 0,
            "array": [_distance(row, stage.rate, "high") for row in rows],
            "arrayminus": [_distance(row, stage.rate, "low") for row in rows],
        },
        "text": list(names),
        "hovertemplate": "%{text}: %{x:.1%}<extra></extra>",
    }


def _distance(
    row: Row,
    rate: str,
    bound: str,
) -> float:
    """How far a bound of the interval lies from the rate."""
    end = row.get(f"{rate}_{bound}") or 0.0
    return abs(float(end) - float(row.get(rate) or 0.0))


# --- two splits ---


def _maps(table: pd.DataFrame, splits: Sequence[str]) -> go.Figure:
    down, across = (group_named(split).many for split in splits)
    title = f"How do {down} and {across} compare?"
    rows = rows_of(table)
    stages = measured(rows)
    if not stages:
        return nothing_attempted(title, table)
    crossing = cross(rows, splits, "attempted")
    counts = {key: row["attempted"] or 0 for key, row in crossing.rows.items()}
    panels = [
        Panel(plain(counts, wording.count), title=ATTEMPTED.word),
        *(_rate_panel(crossing, stage) for stage in stages),
    ]
    caption = (
        f"How many were attempted, and shares: {_shares(stages)}. Blue: more than the panel's "
        "median, orange: less, the stronger the farther; without colour where chance explains it. "
        f"Grey: of fewer than {FEWEST} messages, which tells little."
        f"{wording.shown_note(len(crossing.rows), len(table))}"
    )
    return heatmap.figure(
        panels,
        crossing.grid,
        title=title,
        caption=caption,
        table=table,
    )


def _rate_panel(crossing: Crossing, stage: Stage) -> Panel:
    shares = {
        key: Share(
            share=row[stage.rate],
            low=row[f"{stage.rate}_low"],
            high=row[f"{stage.rate}_high"],
            whole=row[stage.whole],
        )
        for key, row in crossing.rows.items()
        if row.get(stage.rate) is not None
    }
    cells = compared(shares, _percent)
    return Panel(cells, title=stage.word)


def _percent(share: float) -> str:
    return wording.percent(share, 0)
