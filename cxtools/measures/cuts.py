"""Cuts: the moment of each campaign up to which its events count."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from cxtools import formats, wording
from cxtools.errors import ConfigError
from cxtools.events.messages.layer import Layer
from cxtools.text import parse_last_moment

#: Events after this moment don't count; a date without a time is that whole day, in the zone of the
#: settings; a timedelta an age, counted from each campaign's start.
AsOf = date | timedelta | str | None
AS_WRITTEN = (
    "write a day as 2026-09-14, which counts to its end, or a moment as 2026-09-14T10:00:00+02:00"
)
#: No campaign was before; a number that was meant as hours would be a moment of 1970.
FIRST_YEAR = 2000
#: How many campaigns a note names.
CAMPAIGNS_NAMED = 5
#: The moment of a campaign that has no start to count an age from: all that it has counts.
NEVER = datetime(9999, 12, 31, tzinfo=UTC)


def cut_moments(layers: Mapping[str, Layer], as_of: AsOf) -> dict[str, datetime] | None:
    """
    Campaign -> the last moment that counts; None where everything counts.

    Raises:
        ConfigError: *as_of* is not a moment.
    """
    end = end_of(as_of)
    if end is None:
        return None
    if isinstance(end, timedelta):
        cuts = {campaign: _moment_of_age(layer, end) for campaign, layer in layers.items()}
    else:
        cuts = dict.fromkeys(layers, end)
    if all(counts_whole(layer, cuts[campaign]) for campaign, layer in layers.items()):
        return None
    return cuts


def _moment_of_age(layer: Layer, age: timedelta) -> datetime:
    first_at = start(layer)
    return NEVER if first_at is None else first_at + age


def counts_whole(layer: Layer, until: datetime) -> bool:
    """
    Whether all events of a campaign surely count at a moment; those without one count when they
    came in, which is known of those that belong to a message.
    """
    counts = layer.counts
    last_at = counts["last_event_at"]
    if last_at is not None and last_at > until:
        return False
    if not counts["without_timestamp"]:
        return True
    if counts["unattributed"] or layer.last_irregular_at is None:
        return False
    return layer.last_irregular_at <= until


def notes_on_undated(layers: Mapping[str, Layer], cuts: Mapping[str, datetime] | None) -> list[str]:
    """What is said of events without a moment where only those up to the cuts count."""
    undated = {}
    for campaign, layer in layers.items():
        events = layer.counts["without_timestamp"]
        if cuts and events and not counts_whole(layer, cuts[campaign]):
            undated[campaign] = events
    if not undated:
        return []
    names = ", ".join(list(undated)[:CAMPAIGNS_NAMED])
    more = len(undated) - CAMPAIGNS_NAMED
    others = f" and {more} more" if more > 0 else ""
    events = wording.count(sum(undated.values()))
    return [
        f"Events without a moment ({events}, of {names}{others}) count from when they came in, not "
        "before."
    ]


def start(layer: Layer) -> datetime | None:
    """When a campaign started: its first sent, delivery or bounce, else its first event."""
    counts = layer.counts
    moment = counts["first_sent_at"] or counts["first_event_at"]
    return moment if isinstance(moment, datetime) else None


def end_of(as_of: AsOf) -> datetime | timedelta | None:
    """
    The last moment that counts, or the age; None where everything counts.

    >>> end_of("2026-09-14") == end_of(date(2026, 9, 14)) == end_of("2026-09-14T23:59:59.999999Z")
    True

    Raises:
        ConfigError: *as_of* is not a moment.
    """
    if as_of is None or as_of == "":
        return None
    if isinstance(as_of, timedelta):
        if as_of < timedelta(0):
            raise ConfigError(
                f"as_of is an age below zero: {as_of}", do="an age counts from the start"
            )
        return as_of
    zone = formats.current().zone
    moment = as_of if isinstance(as_of, datetime) else parse_last_moment(as_of, zone)
    if moment is None:
        raise ConfigError(f"as_of is not a moment: {as_of!r}", do=AS_WRITTEN)
    if moment.year < FIRST_YEAR:
        raise ConfigError(
            f"as_of lies before {FIRST_YEAR}: {as_of!r}", do=f"{AS_WRITTEN}; an age is a timedelta"
        )
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
