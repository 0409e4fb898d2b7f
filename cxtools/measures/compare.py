"""
What one campaign's measures say together: its verdict, and its place among earlier campaigns at the
same age.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from statistics import median

import pandas as pd

from cxtools import measures
from cxtools.measures import Table
from cxtools.measures.engine import AsOf, Engine
from cxtools.verdicts.facts import Facts
from cxtools.verdicts.verdict import CampaignVerdict
from cxtools.verdicts.verdict import verdict as verdict_on

EARLIER = 8
WEEK = timedelta(days=7)
#: Count -> its column of `sql/funnel.sql`; the last two are missing where they aren't measured.
STEPS = {
    "attempted": "attempted",
    "delivered": "delivered",
    "bounced": "bounced",
    "opened": "opened_told",
    "clicked": "clicked_told",
}
#: Count -> the bounces that make it up: a column and its value.
BOUNCED = {
    "hard": ("kind", "hard"),
    "soft": ("kind", "soft"),
    "block": ("kind", "block"),
    "authentication": ("category", "authentication"),
    "unclassified": ("category", "unknown"),
}


def verdict(
    engine: Engine,
    campaign: str,
    *,
    about: str = "run",
    as_of: AsOf = None,
    unsettled: Mapping[str, int] = {},
) -> CampaignVerdict:
    """
    PASS, WARN, FAIL, TOO FEW or TOO EARLY for one campaign, with the sentences that say why.

    *about* ("run", "bounces", "engagement") chooses sentences and cards, never the word. The limits
    are `measures.verdict.LIMITS`. *unsettled* recipients, of whom the ledger knows no good end
    (`measures.verdict.UNSETTLED`), are a warning.

    Raises:
        StoreError: the store doesn't have this campaign.
    """
    funnel, causes, quality, machines = measures.counts(
        engine, ("funnel", "bounces", "data_quality", "suspects"), campaign, as_of=as_of
    )
    first_at, last_at = _window(funnel)
    counts = _counts(funnel, causes).get(campaign, {})
    if complained := int(quality.complaints.sum()):
        counts["complained"] = complained
    if quality.machines_told.any() and "opened" in counts:
        counts["read"] = counts["opened"] - int(quality.machine_opens.sum())
    if len(machines) or counts.get("clicked") == 0:
        counts |= {name: int(machines[name].sum()) for name in ("clickers", "suspect", "human")}
    top = (causes.category[0], int(causes.recipients[0])) if len(causes) else None
    earlier, maturity = _before(engine, campaign, first_at, last_at)
    return verdict_on(
        Facts(
            campaign,
            counts,
            first_at,
            last_at,
            int(quality.events.sum()),
            top,
            earlier,
            maturity,
            unsettled,
        ),
        about,
    )


def comparison(engine: Engine, campaign: str, *, as_of: AsOf = None) -> Table:
    """
    The funnel of a campaign and up to eight earlier ones, each cut at the age that this one has
    reached; oldest first.
    """
    first_at, last_at = _window(measures.counts(engine, ["funnel"], campaign, as_of=as_of)[0])
    shown = [*_earlier(engine, campaign, first_at), campaign]
    rows = measures.funnel(
        engine, shown, as_of=last_at - first_at if first_at and last_at else as_of
    )
    return Table(rows.sort_values("first_at", kind="stable", ignore_index=True)).of("comparison")


def _earlier(engine: Engine, campaign: str, first_at: datetime | None) -> list[str]:
    """The last campaigns that began before this one."""
    starts = {
        name: begun
        for name, begun in engine.starts().items()
        if begun and first_at and begun < first_at and name != campaign
    }
    return sorted(starts, key=lambda name: starts[name])[-EARLIER:]


def _before(
    engine: Engine,
    campaign: str,
    first_at: datetime | None,
    last_at: datetime | None,
) -> tuple[list[dict[str, int]], float | None]:
    """
    What earlier campaigns had at this one's age: the counts of each, and the median share of their
    first week's clicks.
    """
    earlier = _earlier(engine, campaign, first_at)
    if not earlier or not first_at or not last_at:
        return [], None
    age = last_at - first_at
    then = _counts(*measures.counts(engine, ("funnel", "bounces"), earlier, as_of=age))
    if not timedelta() < age < WEEK - timedelta(hours=1):
        return list(then.values()), None
    [week] = measures.counts(engine, ["funnel"], list(then), as_of=WEEK)
    shares = [
        then[row["campaign"]]["clicked"] / row["clicked"]
        for row in week.to_dict("records")
        if row["clicked"]
    ]
    return list(then.values()), median(shares) if shares else None


def _counts(funnel: Table, bounces: Table) -> dict[str, dict[str, int]]:
    """Campaign -> its counts: the funnel's, and the bounces by kind."""
    found = {}
    for row in funnel.to_dict("records"):
        own = bounces[bounces.campaign == row["campaign"]]
        found[str(row["campaign"])] = {
            step: int(row[column]) for step, column in STEPS.items() if pd.notna(row[column])
        } | {
            name: int(own.recipients[own[column] == value].sum())
            for name, (column, value) in BOUNCED.items()
        }
    return found


def _window(funnel: Table) -> tuple[datetime | None, datetime | None]:
    """The moments of a campaign's first and last event, if there are any."""
    first_at, last_at = funnel.first_at.min(), funnel.last_at.max()
    return (
        (None, None) if pd.isna(first_at) else (first_at.to_pydatetime(), last_at.to_pydatetime())
    )
