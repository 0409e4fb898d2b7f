"""Which links were followed, and by how many people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cxtools import wording
from cxtools.charts import bars
from cxtools.charts.bars import Bar
from cxtools.charts.frame import sentence
from cxtools.charts.groups import groups_of, row_name, words
from cxtools.charts.rows import Row, largest, rows_of
from cxtools.charts.style import INK

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

TITLE = "Which links were followed?"
COLOURS = {"content": INK["blue"], "unsubscribe": INK["grey"]}
SCANNERS = (
    "Clickers that behave like scanners are left out of the bars; all are counted beside the name."
)
PROTOCOL = re.compile("^https?://")


def figure(table: pd.DataFrame) -> go.Figure:
    """People per link, most followed first."""
    rows = rows_of(table)
    if not rows:
        return sentence(TITLE, "No click is known.", table)
    splits = groups_of(table)
    ranked = [_bar(row, splits) for row in largest(rows, "people")]
    return bars.figure(ranked, title=TITLE, caption=_caption(rows, splits), table=table)


def _bar(row: Row, splits: Sequence[str]) -> Bar:
    url = PROTOCOL.sub("", row["link_url"])
    # Beside the name, not the number: on a phone the end of the longest bar has no room for it.
    others = [] if row["clickers"] == row["people"] else [_clickers(row)]
    name = row_name(splits, row, url, *others)
    share = wording.percent(row.get("people_share"))
    return Bar(name, row["people"], share, COLOURS[row["purpose"]])


def _clickers(row: Row) -> str:
    return wording.quantity(row["clickers"], "clicker")


def _caption(rows: Sequence[Row], splits: Sequence[str]) -> str:
    whole = f" in the same {words(splits)}" if splits else ""
    caption = (
        f"People per link, and their share of all who clicked anything{whole}. One person may "
        "follow several, so shares don't add up to 100%."
    )
    if any(row["clickers"] != row["people"] for row in rows):
        return f"{caption} {SCANNERS}"
    return caption
