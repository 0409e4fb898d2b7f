"""How large each send job was, and how soon its mail arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from cxtools import wording
from cxtools.charts import bars
from cxtools.charts.bars import Bar
from cxtools.charts.frame import nothing_attempted, sentence
from cxtools.charts.groups import SEPARATOR, groups_of, row_name
from cxtools.charts.rows import Row, largest, rows_of
from cxtools.charts.style import INK

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

TITLE = "How did the send jobs go?"
CAPTION = (
    "Messages attempted by each send job, and the median time from the job's first event to a "
    "delivery. Jobs are numbered in the order of their first events."
)


def figure(table: pd.DataFrame) -> go.Figure:
    """The send jobs, largest first."""
    rows = rows_of(table)
    if not rows:
        return sentence(TITLE, "No send job is known yet.", table)
    if not any(row["attempted"] for row in rows):
        return nothing_attempted(TITLE, table)
    splits = [split for split in groups_of(table) if split != "job"]
    names = job_names(rows)
    ranked = [_bar(row, splits, names) for row in largest(rows, "attempted")]
    return bars.figure(ranked, title=TITLE, caption=CAPTION, table=table)


def job_names(rows: Sequence[Row]) -> dict[str, str]:
    """
    Each job by its number in the order of sending, which says more than the API's id; that is in
    the table.

    >>> job_names([{"job_id": "9f2e", "first_at": "2026-09-14T08:05"}])
    {'9f2e': 'job 1 · 14 Sep 2026 08:05 UTC'}
    """
    names: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: (row["first_at"] is None, row["first_at"])):
        if row["job_id"] and row["job_id"] not in names:
            names[row["job_id"]] = _job_name(len(names) + 1, row["first_at"])
    return names


def _job_name(number: int, first_at: str | None) -> str:
    name = f"job {number}"
    if first_at is None:
        return name
    return f"{name}{SEPARATOR}{wording.moment_text(datetime.fromisoformat(first_at))}"


def _bar(row: Row, splits: Sequence[str], names: Mapping[str, str]) -> Bar:
    name = row_name(splits, row, names.get(row["job_id"], "no job"))
    median = wording.duration(row.get("delivery_median_s"))
    return Bar(name, row["attempted"], median, INK["green"])
