"""How large each send job was, and how soon its mail arrived."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cxtools import wording
from cxtools.charts import bars
from cxtools.charts.bars import Bar
from cxtools.charts.frame import nothing_attempted, sentence
from cxtools.charts.groups import groups_of, row_name
from cxtools.charts.rows import Row, largest, rows_of
from cxtools.charts.style import INK

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

TITLE = "How did the send jobs go?"
CAPTION = (
    "Messages attempted by each send job, and the median time from the job's first event to a "
    "delivery."
)


def figure(table: pd.DataFrame) -> go.Figure:
    """The send jobs, largest first."""
    rows = rows_of(table)
    if not rows:
        return sentence(TITLE, "No send job is known yet.", table)
    if not any(row["attempted"] for row in rows):
        return nothing_attempted(TITLE, table)
    splits = [split for split in groups_of(table) if split != "job"]
    ranked = [_bar(row, splits) for row in largest(rows, "attempted")]
    return bars.figure(ranked, title=TITLE, caption=CAPTION, table=table)


def _bar(row: Row, splits: Sequence[str]) -> Bar:
    name = row_name(splits, row, row["job_id"] or "no job")
    median = wording.duration(row.get("delivery_median_s"))
    return Bar(name, row["attempted"], median, INK["green"])
