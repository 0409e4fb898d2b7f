"""
A table in, something to look at out: a plotly figure, an HTML table, a table for a terminal.

One module for each figure: first the data of the figure as a value, then the figure drawn from it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cxtools.charts import bounces, curve, funnel, jobs, links, rates, timing

#: Measure -> what draws its table.
CHARTS: dict[str, Callable[[Any], Any]] = {
    "funnel": funnel.figure,
    "comparison": rates.comparison,
    "bounces": bounces.figure,
    "reasons": bounces.reasons,
    "links": links.figure,
    "curve": curve.figure,
    "timing": timing.figure,
    "jobs": jobs.figure,
}
