"""How far the mail got: one campaign as a funnel; several rows as rates, which are comparable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxtools import wording
from cxtools.charts import rates
from cxtools.charts.frame import Layout, Trace, draw, nothing_attempted
from cxtools.charts.groups import groups_of
from cxtools.charts.rows import Row, rows_of
from cxtools.charts.style import INK, ON_DARK, ON_LIGHT, RATED, STAGES, Stage

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

TITLE = "How far did the mail get?"
UPPER_BOUND = "Who opened is an upper bound: machines that load images are among them."
#: Room for the names of the stages.
STAGES_PX = 92
#: The ink on each stage's bar.
ON_BAR = {"attempted": ON_LIGHT}


@dataclass(frozen=True)
class Step:
    """A stage as it is drawn: how many got there, and which share that is of an earlier stage."""

    stage: Stage
    count: int
    share: float | None


def figure(table: pd.DataFrame) -> go.Figure:
    """One row is drawn as a funnel, several (campaigns, providers, …) as rates."""
    if groups_of(table):
        return rates.figure(table)
    rows = rows_of(table)
    if not rows or not rows[0]["attempted"]:
        return nothing_attempted(TITLE, table)
    steps = steps_of(rows[0])
    layout = {
        "height": 56 + 58 * len(steps),
        "margin": {"l": STAGES_PX},
        "yaxis": _stage_axis(steps),
    }
    caption = caption_of(rows[0], steps)
    return draw(
        [_trace(steps)],
        title=TITLE,
        caption=caption,
        table=table,
        layout=layout,
    )


def steps_of(row: Row) -> list[Step]:
    """
    The stages that the feed measures. Where nothing was delivered, nobody could open: that is known
    without a measurement.

    >>> for step in steps_of({"attempted": 5, "delivered": 2, "delivery_rate": 0.4}):
    ...     step.stage.word, step.count, step.share
    ('Attempted', 5, None)
    ('Delivered', 2, 0.4)
    """
    return [
        Step(stage, row.get(stage.column) or 0, row.get(stage.rate))
        for stage in STAGES
        if _is_measured(stage, row)
    ]


def _is_measured(stage: Stage, row: Row) -> bool:
    return not stage.rate or not row["delivered"] or row.get(stage.rate) is not None


def caption_of(row: Row, steps: Sequence[Step]) -> str:
    """The denominators in words, the rates that people quote with their intervals."""
    delivered = (
        f"{wording.count(row['delivered'])} {wording.was_or_were(row['delivered'])} delivered"
    )
    caption = f"Messages, each to one recipient. {delivered} ({_interval(row, 'delivery_rate')})"
    if not row["delivered"]:
        return f"{caption}, so nobody could open or click."
    measured = {step.stage.column for step in steps}
    missing = [stage.word.lower() for stage in RATED if stage.column not in measured]
    if missing:
        return f"{caption}; not measured, as the feed holds none: {', '.join(missing)}."
    clicked = f"{wording.count(row['clicked'])} of these {wording.count(row['delivered'])} clicked"
    caption = f"{caption}; {clicked} ({_interval(row, 'click_rate')})."
    if row["opened"] > row["clicked"]:
        caption = f"{caption} {UPPER_BOUND}"
    return caption


def _interval(row: Row, rate: str) -> str:
    return wording.interval_in_brackets(
        row.get(rate), row.get(f"{rate}_low"), row.get(f"{rate}_high")
    )


def _trace(steps: Sequence[Step]) -> Trace:
    return {
        "type": "funnel",
        "y": [step.stage.word for step in steps],
        "x": [step.count for step in steps],
        "text": [_text(step) for step in steps],
        "textinfo": "text",
        "textposition": "auto",
        "hovertemplate": "%{y}: %{text}<extra></extra>",
        "marker": {"color": [step.stage.colour for step in steps]},
        "cliponaxis": False,
        "connector": {"fillcolor": INK["grid"], "line": {"width": 0}},
        "constraintext": "none",
        "insidetextfont": {"color": [ON_BAR.get(step.stage.column, ON_DARK) for step in steps]},
    }


def _text(step: Step) -> str:
    count = f"<b>{wording.count(step.count)}</b>"
    if step.share is None:
        return count
    return f"{count}  {wording.percent(step.share)}"


def _stage_axis(steps: Sequence[Step]) -> Layout:
    """Each stage by its word, and below it what its percentage is a share of."""
    return {
        "autorange": "reversed",
        "tickvals": [step.stage.word for step in steps],
        "ticktext": [_stage_label(step.stage) for step in steps],
    }


def _stage_label(stage: Stage) -> str:
    if not stage.whole:
        return stage.word
    return f"{stage.word}<br><span style='font-size:11px'>of {stage.whole}</span>"
