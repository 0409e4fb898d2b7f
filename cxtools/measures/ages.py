"""Campaigns at the same age: which ones came before, and how old this one is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from cxtools.errors import StoreError
from cxtools.events.replacements import repeat_when_replaced
from cxtools.measures.choices import Filters
from cxtools.measures.cuts import AsOf
from cxtools.measures.engine import Engine

#: One campaign has nothing to stand beside.
FEWEST_COMPARED = 2


class Window(NamedTuple):
    """The moments of a campaign's first and last event; None when no event has a moment."""

    first_at: datetime | None
    last_at: datetime | None

    @property
    def age(self) -> timedelta | None:
        """The time between them."""
        if self.first_at is None or self.last_at is None:
            return None
        return self.last_at - self.first_at


def window(engine: Engine, campaign: str, as_of: AsOf = None) -> Window:
    """What is known of a campaign reaches from its first event to its last before *as_of*."""
    [own] = windows(engine, [campaign], as_of)
    return own


@repeat_when_replaced
def windows(engine: Engine, campaigns: Sequence[str], as_of: AsOf = None) -> list[Window]:
    """The same of several campaigns, in their order."""
    if not campaigns:
        return []
    with engine.session(campaigns, as_of=as_of) as session:
        rows = session.count("funnel").to_pylist()
    known = {row["campaign"]: Window(row["first_at"], row["last_at"]) for row in rows}
    return [known.get(str(name), Window(None, None)) for name in campaigns]


def earlier_campaigns(
    engine: Engine,
    campaign: str,
    first_at: datetime | None,
    most: int,
) -> list[str]:
    """The last campaigns that began before this one, at most so many; oldest first."""
    return _campaigns_before(engine, campaign, first_at)[-most:]


def first_campaigns(
    engine: Engine,
    campaign: str,
    first_at: datetime | None,
    most: int,
    within: timedelta,
) -> list[str]:
    """The first campaigns that began so long before this one or later; oldest first."""
    return _campaigns_before(engine, campaign, first_at, within)[:most]


def _campaigns_before(
    engine: Engine, campaign: str, first_at: datetime | None, within: timedelta | None = None
) -> list[str]:
    """The campaigns that began before this one, oldest first."""
    if first_at is None:
        return []
    starts = {}
    for name, start in engine.starts().items():
        if name == campaign or start is None or start >= first_at:
            continue
        if within is None or first_at - start <= within:
            starts[name] = start
    return sorted(starts, key=lambda name: starts[name])


def begun(engine: Engine, campaigns: Sequence[str]) -> tuple[list[str], list[str]]:
    """
    Those of several campaigns that have an age, and what is said of the others.

    Raises:
        StoreError: the first that is named hasn't, with which all others are compared.
    """
    if len(campaigns) < FEWEST_COMPARED:
        return list(campaigns), []
    known = zip(campaigns, windows(engine, campaigns), strict=True)
    started = [name for name, own in known if own.first_at is not None]
    others = ", ".join(name for name in campaigns if name not in started)
    if not others or not started:
        return started, []
    if campaigns[0] not in started:
        raise StoreError(
            f"nothing can be compared with {campaigns[0]}: no sending of it has a moment yet",
            do="name another campaign first",
        )
    return started, [f"Left out, since no sending of it has a moment yet: {others}."]


def oldest_first(engine: Engine, where: Filters) -> list[str]:
    """All campaigns that have these segments, those that haven't begun last."""
    without = engine.campaigns_without(None, where)
    starts = {name: at for name, at in engine.starts().items() if name not in without}
    known = {name: at for name, at in starts.items() if at is not None}
    return [*sorted(known, key=lambda name: known[name]), *(starts.keys() - known.keys())]


def youngest_age(engine: Engine, campaigns: Sequence[str]) -> timedelta | None:
    """
    The age that all of several campaigns have reached by the last event of any of them; None where
    that isn't known of one. Its own last event would make a campaign without clicks too young.
    """
    known = windows(engine, campaigns)
    starts = [each.first_at for each in known if each.first_at is not None]
    ended = [each.last_at for each in known if each.last_at is not None]
    if len(known) < FEWEST_COMPARED or len(starts) < len(known):
        return None
    return max(ended) - max(starts)
