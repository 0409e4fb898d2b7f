"""
What one campaign's measures say together: its verdict, and its place among earlier campaigns at the same age.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from statistics import median
from typing import Any

import pandas as pd

from cxtools import measures
from cxtools.events.store import EventStore
from cxtools.measures import AsOf, Table
from cxtools.measures.verdict import CampaignVerdict, Facts
from cxtools.measures.verdict import verdict as verdict_on

EARLIER = 8
WEEK = timedelta(days=7)


def verdict(store: EventStore, campaign: str, *, about: str = "run", as_of: AsOf = None) -> CampaignVerdict:
    """
    PASS, WARN, FAIL, TOO FEW or TOO EARLY for one campaign, with the sentences that say why.

    *about* ("run", "bounces", "engagement") chooses sentences and cards, never the word. The limits are `measures.verdict.LIMITS`.

    Raises:
        StoreError: the store doesn't have this campaign.
    """
    funnel, bounces = measures.funnel(store, campaign, as_of=as_of), measures.bounces(store, campaign, as_of=as_of)
    first_at, last_at = _window(funnel)
    age = last_at - first_at if first_at and last_at else timedelta()
    counts = _counts(funnel, bounces)[campaign]
    quality = {row["check"]: row for row in measures.data_quality(store, campaign, as_of=as_of).to_dict("records")}
    if (complaints := quality["complaints"]["count"]) is not None:
        counts["complained"] = complaints
    machines = measures.suspects(store, campaign, as_of=as_of).set_index("rule")
    if len(machines):
        counts |= {"clickers": machines.total["human"], "suspect": machines.clickers["suspect"], "human": machines.clickers["human"]}
    elif not counts["clicked"]:
        counts |= {"clickers": 0, "suspect": 0, "human": 0}
    causes = bounces.to_dict("records")
    facts = Facts(campaign, counts, first_at, last_at, int(quality["unknown_kind"]["total"]),
                  (causes[0]["category"], causes[0]["recipients"]) if causes else None,
                  *_before(store, _earlier(store, campaign, first_at), age))
    return verdict_on(facts, about)


def comparison(store: EventStore, campaign: str, *, as_of: AsOf = None) -> Table:
    """The funnel of a campaign and up to eight earlier ones, each cut at the age that this one has reached; oldest first."""
    first_at, last_at = _window(measures.funnel(store, campaign, as_of=as_of))
    earlier = _earlier(store, campaign, first_at)
    age = last_at - first_at if first_at and last_at else None
    table: Table = measures.funnel(store, [*earlier, campaign], as_of=age).sort_values("first_at", kind="stable").reset_index(drop=True)
    table._measure = "comparison"
    return table


def _earlier(store: EventStore, campaign: str, first_at: datetime | None) -> list[str]:
    """The last campaigns that began before this one."""
    starts = {name: begun for name, begun in measures.starts(store).items() if begun and first_at and begun < first_at and name != campaign}
    return sorted(starts, key=lambda name: starts[name])[-EARLIER:]


def _before(store: EventStore, earlier: list[str], age: timedelta) -> tuple[list[dict[str, int]], float | None]:
    """What earlier campaigns had at this age: the counts of each, and the median share of their first week's clicks."""
    if not earlier:
        return [], None
    funnel, bounces = measures.funnel(store, earlier, as_of=age), measures.bounces(store, earlier, as_of=age)
    return list(_counts(funnel, bounces).values()), _maturity(store, funnel, age)


def _counts(funnel: Table, bounces: Table) -> dict[str, dict[str, int]]:
    """Campaign -> its counts: the funnel's, and the bounces by kind."""
    steps = funnel.columns[funnel.dtypes.map(pd.api.types.is_integer_dtype)]
    counts = {str(row["campaign"]): {str(step): int(row[step]) for step in steps}
              | dict.fromkeys(("hard", "soft", "block", "authentication", "unclassified"), 0)
              for row in funnel.to_dict("records")}
    for row in bounces.to_dict("records"):
        for name in _named(row):
            own = counts[row["campaign"]]
            own[name] = own.get(name, 0) + int(row["recipients"])
    return counts


def _named(row: Mapping[str, Any]) -> list[str]:
    """Under which names a line of the bounces counts."""
    special = {"authentication": "authentication", "unknown": "unclassified"}.get(row["category"])
    return [row["kind"], *([special] if special else [])]


def _maturity(store: EventStore, funnel: Table, age: timedelta) -> float | None:
    """The median share of their first week's clicks that the campaigns of this funnel had at its age."""
    if not timedelta() < age < WEEK - timedelta(hours=1):
        return None
    then = funnel.set_index("campaign").clicked
    after = measures.funnel(store, list(then.index), as_of=WEEK).set_index("campaign").clicked
    shares = [then[name] / after[name] for name in then.index if after[name]]
    return float(median(shares)) if shares else None


def _window(funnel: Table) -> tuple[datetime | None, datetime | None]:
    """The moments of a campaign's first and last event."""
    own = funnel.iloc[0]
    return _moment(own.first_at), _moment(own.last_at)


def _moment(stamp: Any) -> datetime | None:
    return None if pd.isna(stamp) else stamp.to_pydatetime()
