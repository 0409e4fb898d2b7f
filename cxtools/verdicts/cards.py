"""The cards of a verdict: a rate in large, what it is counted from, and how usual it is."""

from __future__ import annotations

from typing import NamedTuple

from cxtools import wording
from cxtools.verdicts.facts import Facts, surely_opened


class Card(NamedTuple):
    """One card, in words; an empty text is left out."""

    name: str
    share: str
    counted: str
    compared: str


#: Card -> the share on it: part, whole.
CARDS = {
    "Delivered": ("delivered", "attempted"),
    "Bounced": ("bounced", "attempted"),
    "Hard bounces": ("hard", "attempted"),
    "Soft bounces": ("soft", "attempted"),
    "Blocked": ("block", "attempted"),
    "Cause unknown": ("unclassified", "bounced"),
    "Opened": ("opened", "delivered"),
    "Clicked": ("clicked", "delivered"),
    "Any link, scanners left out": ("human", "delivered"),
}
#: Why there is no share, by what it would be a share of.
NOTHING = {
    "attempted": "nothing was attempted",
    "delivered": "nothing was delivered",
    "bounced": "nothing bounced",
}


def card(facts: Facts, name: str) -> Card:
    """One of CARDS. Who opened is a range where clicks prove fewer than images loaded say."""
    part, whole = CARDS[name]
    counts = facts.counts
    if not counts.get(whole):
        return Card(name, wording.MISSING, NOTHING[whole], "")
    if part not in counts:
        return Card(name, wording.MISSING, "not measured", "")
    least = surely_opened(counts) if part == "opened" else part
    if counts[least] != counts[part]:
        return _range_card(facts, name, least)
    _, _, spread = facts.rate_text(part, whole).partition(", ")
    counted = f"{wording.count(counts[part])} of {wording.count(counts[whole])} ({spread})"
    distance = facts.distance(part, whole)
    compared = f"{distance.words} the usual {distance.usual}" if distance else ""
    return Card(name, wording.percent(facts.rate(part, whole)), counted, compared)


def _range_card(facts: Facts, name: str, least: str) -> Card:
    part, whole = CARDS[name]
    low = wording.percent(facts.rate(least, whole)).removesuffix("%")
    high = wording.percent(facts.rate(part, whole))
    fewest, most, total = (wording.count(facts.counts[count]) for count in (least, part, whole))
    return Card(name, f"{low}–{high}", f"{fewest} to {most} of {total}", "")
