"""Rates of whole columns at once, with their intervals: a split may have 50,000 rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxtools.measures.question import Column
from cxtools.measures.stats import score_bounds


def rate_columns(counts: pd.DataFrame, rate: Column) -> dict[str, np.ndarray]:
    """
    A rate of each row, and the bounds of its interval where it has one, by the names of their
    columns: what `stats.share` and `stats.wilson` give of one. NaN where there is no whole.

    >>> rate = Column("rate", "share", "clicked / delivered", "clicked", "delivered")
    >>> counts = pd.DataFrame({"clicked": [1, 0], "delivered": [4, 0]})
    >>> rate_columns(counts, rate)["rate"].tolist()
    [0.25, nan]
    """
    parts = _numbers(counts, rate.measured or rate.part)
    wholes = _numbers(counts, rate.whole)
    is_known = wholes != 0
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = {rate.name: np.where(is_known, parts / wholes, np.nan)}
        if rate.interval:
            low, high = rate.interval
            lows, highs = score_bounds(parts, wholes, np.sqrt)
            # At the ends the bound is exactly 0 or 1; rounding must not move it past the share.
            columns[low] = np.where(is_known, np.where(parts == 0, 0.0, lows), np.nan)
            columns[high] = np.where(is_known, np.where(parts == wholes, 1.0, highs), np.nan)
    return columns


def _numbers(counts: pd.DataFrame, column: str) -> np.ndarray:
    numbers: pd.Series = pd.to_numeric(counts[column])
    return numbers.to_numpy(dtype=float)
