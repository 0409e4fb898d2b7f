"""The cards of a verdict: a rate, the counts behind it, and how usual it is."""

from __future__ import annotations

from typing import NamedTuple

from cxtools import wording
from cxtools.verdicts.checks import NOT_MEASURED
from cxtools.verdicts.facts import Facts, surely_opened
from cxtools.verdicts.places import place_text, share_text


class Card(NamedTuple):
    """One card, in words; an empty text is left out."""

    name: str
    share: str
    basis: str
    comparison: str = ""
    place: str = ""


#: Card -> the share on it: part, whole.
CARDS = {
    "Delivered": ("delivered", "attempted"),
    "Bounced": ("bounced", "attempted"),
    "Hard bounces": ("hard", "attempted"),
    "Soft bounces": ("soft", "attempted"),
    "Blocked": ("block", "attempted"),
    "Undetermined": ("undetermined", "attempted"),
    "Complaints": ("complained", "delivered"),
    "Unsubscribes": ("unsubscribed", "delivered"),
    "Opened": ("opened", "delivered"),
    "Clicked": ("clicked", "delivered"),
    "Clicked, scanners left out": ("human_clicked", "delivered"),
}
#: Why there is no share, by what it would be a share of.
NOTHING = {
    "attempted": "nothing was attempted",
    "delivered": "nothing was delivered",
}


def card(facts: Facts, name: str) -> Card:
    """One of CARDS. Who opened is a range where clicks prove fewer than images loaded say."""
    part, whole = CARDS[name]
    counts = facts.counts
    if not counts.get(whole):
        return Card(name, wording.MISSING, NOTHING[whole])
    if part not in counts:
        return Card(name, wording.MISSING, _why_not_measured(facts, part))
    least = surely_opened(counts) if part == "opened" else part
    if counts[least] != counts[part]:
        return _range_card(facts, name, least)
    return _rate_card(facts, name)


def _why_not_measured(facts: Facts, part: str) -> str:
    """That a count isn't measured; of unsubscribes, who followed the link is known all the same."""
    followed = facts.counts.get("human_unsubscribed")
    if part != "unsubscribed" or followed is None:
        return NOT_MEASURED
    return f"{NOT_MEASURED}; {wording.people(followed)} followed the link"


def _rate_card(facts: Facts, name: str) -> Card:
    part, whole = CARDS[name]
    rate = facts.rate(part, whole)
    number = wording.count(facts.counts[part])
    total = wording.count(facts.counts[whole])
    low, high = facts.interval(part, whole)
    interval = wording.bounds(low, high)
    distance = facts.distance(part, whole)
    comparison = ""
    if distance:
        comparison = f"{distance.words} the usual {distance.usual}"
    return Card(
        name=name,
        share=wording.percent(rate),
        basis=f"{number} of {total} ({interval})",
        comparison=comparison,
        place=_worst_place(facts, part),
    )


def _worst_place(facts: Facts, part: str) -> str:
    """Where most of a count came from that is too much there; "" where nowhere is."""
    for trouble in facts.troubles:
        if trouble.limit.part == part:
            return f"{place_text(trouble.place)}: {share_text(trouble)}"
    return ""


def _range_card(facts: Facts, name: str, least: str) -> Card:
    part, whole = CARDS[name]
    low_rate = facts.rate(least, whole)
    high_rate = facts.rate(part, whole)
    low = wording.percent(low_rate).rstrip("%\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}")
    high = wording.percent(high_rate)
    fewest = wording.count(facts.counts[least])
    most = wording.count(facts.counts[part])
    total = wording.count(facts.counts[whole])
    return Card(
        name=name,
        share=f"{low}–{high}",
        basis=f"{fewest} to {most} of {total}",
    )
