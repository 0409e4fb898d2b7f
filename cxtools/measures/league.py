"""Campaigns in the order of their click rates, all at one age."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from cxtools.measures.history import RIPE
from cxtools.measures.trend_notes import left_out


def ripe_campaigns(funnel: pd.DataFrame, reach: datetime | None) -> tuple[list[str], list[str]]:
    """The campaigns of the age at which they are compared, and what is said of the others."""
    undated = funnel[funnel.first_at.isna()]
    known = funnel[funnel.first_at.notna()]
    if reach is None:  # then no campaign has a moment
        ripe = known
        young = known
    else:
        ripe = known[known.first_at <= reach - RIPE]
        young = known[known.first_at > reach - RIPE]
    notes = [
        *left_out("younger than three days", list(young.campaign)),
        *left_out("without a moment", list(undated.campaign)),
    ]
    return [str(name) for name in ripe.campaign], notes


def league_rows(funnel: pd.DataFrame) -> pd.DataFrame:
    """The campaigns with their places, the highest click rate first."""
    rate = pd.to_numeric(funnel.clicked_measured) / pd.to_numeric(funnel.delivered)
    ranks = rate.rank(ascending=False, method="min").astype("Int64")
    return funnel.assign(rank=ranks).sort_values("rank", kind="stable", ignore_index=True)
