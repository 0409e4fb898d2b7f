"""Campaigns at the same age: which ones came before, and how old this one is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from cxtools.events.replacements import repeat_when_replaced
from cxtools.measures.cuts import AsOf
from cxtools.measures.engine import Engine


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


@repeat_when_replaced
def window(engine: Engine, campaign: str, as_of: AsOf = None) -> Window:
    """What is known of a campaign reaches from its first event to its last before *as_of*."""
    with engine.session(campaign, as_of=as_of) as session:
        rows = session.count("funnel").to_pylist()
    if not rows:
        return Window(None, None)
    [row] = rows
    return Window(row["first_at"], row["last_at"])


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
