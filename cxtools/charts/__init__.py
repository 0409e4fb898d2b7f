"""
A table in, something to look at out: a plotly figure, an HTML table, a table for a terminal.

One module for each figure: first the data of the figure as a value, then the figure drawn from it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


def function_for(chart: str) -> Callable[[pd.DataFrame], go.Figure]:
    """
    What draws a chart, as an entry of the catalogue names it: a module of this folder, and a
    function of it where that is not `figure`.

    >>> function_for("links").__module__, function_for("bounces.reasons").__name__
    ('cxtools.charts.links', 'reasons')
    """
    module, _, name = chart.partition(".")
    figures = import_module(f"cxtools.charts.{module}")
    function: Callable[[pd.DataFrame], go.Figure] = getattr(figures, name or "figure")
    return function
