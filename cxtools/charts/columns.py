"""What a reader sees of each measure's table: which columns, which note, which sentence if empty."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cxtools.charts.groups import GROUPS, groups_of
from cxtools.charts.rows import measure_of
from cxtools.charts.style import RATED, STAGES

if TYPE_CHECKING:
    import pandas as pd

FUNNEL = (
    *(stage.column for stage in STAGES),
    "clicks_without_open",
    *(stage.rate for stage in RATED),
)
#: Measure -> the columns that a reader wants; the others only repeat them. Measures that aren't
#: named here are shown whole.
COLUMNS = {
    "bounces": ("category", "kind", "recipients", "share", "rate"),
    "reasons": ("reason", "recipients", "share", "category", "kind", "confidence", "bounce_code"),
    "links": ("link_url", "purpose", "clickers", "share", "clicks"),
    "curve": ("kind", "hours", "recipients", "cumulative", "rate"),
    "suspects": ("meaning", "clickers", "total", "share"),
    "funnel": FUNNEL,
    "comparison": FUNNEL,
    "jobs": (
        "job_id",
        "attempted",
        "delivered",
        "bounced",
        "first_at",
        "last_at",
        "delivery_median_s",
        "delivery_p90_s",
    ),
    "data_quality": ("meaning", "count", "total", "share"),
}
#: Measure -> what stands above its table.
NOTES = {
    "suspects": (
        "Of all who followed any link, unsubscribe and preference links too; the funnel's clicked "
        "leaves those links out."
    )
}
#: Measure -> what is said in place of a table without rows.
EMPTY = {"reasons": "No bounces.", "suspects": "No click is known."}

#: The bounds of an interval stand beside their share, not in columns of their own.
BOUND = re.compile(r".+_(low|high)")


def shown_columns(table: pd.DataFrame) -> list[str]:
    """
    The columns for readers: those that split the table, then those of COLUMNS.

    >>> import pandas as pd
    >>> shown_columns(pd.DataFrame({"campaign": ["q3"], "provider": ["gmail"], "attempted": [7]}))
    ['provider', 'attempted']
    """
    own = [str(column) for column in table.columns]
    wanted = COLUMNS.get(measure_of(table), own)
    splits = groups_of(table)
    groups = [column for column in own if column in splits]
    return groups + [column for column in wanted if column in own and column not in GROUPS]
