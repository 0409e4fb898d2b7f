"""
Which rates differ by more than chance: each pair of campaigns, or of parts of one campaign.

Of several looks at one rate some would differ by chance alone; Holm's procedure keeps them in
check. The words that a difference gets follow from RULE, which is printed with every table and
figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

import pandas as pd

from cxtools import wording
from cxtools.measures.catalogue.delivery import COMPARE, FUNNEL, MOST_IN_PAIRS, THE_OTHERS
from cxtools.measures.history import RIPE
from cxtools.measures.question import Column
from cxtools.measures.stats import chance_of_difference, holm, newcombe

#: The rates that are compared; the bounce rate is what the delivery rate leaves.
RATES = tuple(rate for rate in FUNNEL.rates if rate.name != "bounce_rate")
#: Fewer messages on a side, or fewer cases on both together, are too few to tell.
FEWEST_MESSAGES = 20
FEWEST_CASES = 5
#: How likely by chance a difference may be that is significant, and one that is promising.
SIGNIFICANT = 0.05
PROMISING = 0.10
SEPARATOR = " · "
#: Parts of which the first message went out within so long of each other are of one age.
SAME_TIME = timedelta(hours=1)

#: A row of counts, by its columns.
Counts = Mapping[Any, Any]
#: The values that a row is of: its campaign, and those of the columns that it is split by.
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Side:
    """One side of a comparison: its values, what it is called, and how many did what it counts."""

    key: Key
    name: str
    part: int
    whole: int


@dataclass(frozen=True)
class Pair:
    """Two sides of one rate."""

    side: Side
    beside: Side

    @property
    def is_enough(self) -> bool:
        """Whether there are messages enough, and enough that did and that didn't."""
        fewest = min(self.side.whole, self.beside.whole)
        did = self.side.part + self.beside.part
        did_not = self.side.whole + self.beside.whole - did
        return fewest >= FEWEST_MESSAGES and min(did, did_not) >= FEWEST_CASES

    def chance(self) -> float:
        """How likely they differ so much where nothing but chance parts them."""
        counts = (self.side.part, self.side.whole, self.beside.part, self.beside.whole)
        return chance_of_difference(*counts)

    def interval(self) -> tuple[float, float]:
        """Newcombe's 95 % interval of the difference."""
        return newcombe(self.side.part, self.side.whole, self.beside.part, self.beside.whole)


def finding(chance: float, corrected: float, low: float, high: float) -> str:
    """
    What is said of a difference by its probability, the same after Holm, and its interval.

    >>> finding(0.01, 0.04, 0.002, 0.1), finding(0.03, 0.12, 0.002, 0.1)
    ('significant', 'promising')
    >>> finding(0.3, 0.9, -0.02, 0.05)
    'no difference shown'
    """
    if corrected <= SIGNIFICANT and not low <= 0 <= high:
        return "significant"
    return "promising" if chance <= PROMISING else "no difference shown"


def rows(counts: pd.DataFrame, campaigns: Sequence[str], by: Sequence[str]) -> pd.DataFrame:
    """
    One row per rate and pair, without its shares: the parts of each campaign where they are split,
    else each campaign beside the first of *campaigns*.
    """
    records: list[dict[Any, Any]] = counts.to_dict("records")
    found: list[dict[str, Any]] = []
    for rate in RATES:
        if by:
            pairs = pairs_of_parts(records, by, rate)
        else:
            pairs = pairs_of_campaigns(records, campaigns, rate)
        found += _rows_of_rate(pairs, rate, by)
    return pd.DataFrame(found, columns=["campaign", *by, *COMPARE.names_without_rates()])


def pairs_of_campaigns(
    records: Sequence[Counts], campaigns: Sequence[str], rate: Column
) -> list[Pair]:
    """Each campaign beside the first; none where that one hasn't such a rate."""
    by_name = {record["campaign"]: record for record in records}
    names = list(campaigns or by_name)
    sides: list[Side] = []
    for name in names:
        if name in by_name:
            sides += _sides([by_name[name]], (), rate)
    if not sides or sides[0].key != (names[0],):
        return []
    return [Pair(side, sides[0]) for side in sides[1:]]


def notes_on_age(cut: datetime | timedelta | None, *, is_named: bool) -> list[str]:
    """
    What is said of the age at which campaigns are compared: of named ones nothing where it is one.

    >>> notes_on_age(timedelta(hours=3), is_named=False)
    ['All campaigns at the age of 3 h: what happened later does not count.']
    """
    if isinstance(cut, datetime):
        return [
            "The campaigns are of different ages at that moment, and the younger ones had less "
            "time for opens and clicks: as_of as a timedelta compares them at one age."
        ]
    if cut is None or is_named:
        return []
    age = wording.age(cut.total_seconds())
    return [f"All campaigns at the age of {age}: what happened later does not count."]


def notes_on_times(counts: pd.DataFrame) -> list[str]:
    """
    What is said of parts of one campaign that were sent at different times, while the later ones
    may still be opened and clicked.
    """
    young = []
    for campaign, parts in counts[counts.first_at.notna()].groupby("campaign"):
        last_at = parts.last_at.max()
        first = parts.first_at.min()
        last = parts.first_at.max()
        if last - first > SAME_TIME and last_at - last < RIPE:
            young.append(str(campaign))
    if not young:
        return []
    return [
        f"The parts of {', '.join(young)} were sent at different times, and the later ones had "
        f"less time for opens and clicks: compare these {RIPE.days} days after the last was sent."
    ]


def notes_on_parts(counts: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """
    What is said of campaigns that have one part only.

    >>> counts = pd.DataFrame({"campaign": ["q3"], "provider": ["gmail"]})
    >>> notes_on_parts(counts, ["provider"])
    ['By provider there is one part only of q3 (gmail): nothing stands beside it.']
    """
    alone = []
    for campaign, parts in counts.groupby("campaign"):
        if len(parts) == 1:
            [part] = parts[list(by)].itertuples(index=False, name=None)
            alone.append(f"{campaign} ({_name((campaign, *part), by)})")
    if not alone:
        return []
    return [
        f"By {' and '.join(by)} there is one part only of {', '.join(alone)}: "
        "nothing stands beside it."
    ]


def notes(counts: pd.DataFrame, campaigns: Sequence[str], by: Sequence[str]) -> list[str]:
    """
    What is said of parts of different ages, and of rates that others have and the first of
    *campaigns* hasn't.
    """
    if by:
        return [*notes_on_parts(counts, by), *notes_on_times(counts)]
    if not campaigns:
        return []
    records: list[dict[Any, Any]] = counts.to_dict("records")
    missing = []
    for rate in RATES:
        sides = _sides(records, (), rate)
        if sides and (campaigns[0],) not in [side.key for side in sides]:
            missing.append(rate.label.lower())
    if not missing:
        return []
    rates = " and no ".join(missing)
    return [f"{campaigns[0]}, which is named first, has no {rates}: nothing is compared by that."]


def pairs_of_parts(records: Sequence[Counts], by: Sequence[str], rate: Column) -> list[Pair]:
    """Few parts of a campaign beside each other, more of them each beside all the others."""
    pairs = []
    for campaign in dict.fromkeys(record["campaign"] for record in records):
        own = [record for record in records if record["campaign"] == campaign]
        sides = _sides(own, by, rate)
        if len(sides) <= MOST_IN_PAIRS:
            pairs += [Pair(side, beside) for beside, side in combinations(sides, 2)]
        else:
            pairs += [Pair(side, _others(side, sides)) for side in sides]
    return pairs


def _sides(records: Sequence[Counts], by: Sequence[str], rate: Column) -> list[Side]:
    """The sides of a rate that the feed measures, of messages that there are."""
    sides = []
    for record in records:
        part = record[rate.measured or rate.part]
        if wording.is_known(part) and record[rate.whole]:
            key = (record["campaign"], *(record[name] for name in by))
            sides.append(Side(key, _name(key, by), int(part), int(record[rate.whole])))
    return sides


def _name(key: Key, by: Sequence[str]) -> str:
    """What a side is called: by the values that it is split by, else by its campaign."""
    columns = by or ("campaign",)
    values = key[1:] or key
    parts = [_part_name(*part) for part in zip(columns, values, strict=True)]
    return SEPARATOR.join(parts)


def _part_name(column: str, value: Any) -> str:
    if wording.is_known(value):
        return str(value)
    return wording.NO_BOUNCE if column == "cause" else "unknown"


def _others(side: Side, sides: Sequence[Side]) -> Side:
    part = sum(each.part for each in sides) - side.part
    whole = sum(each.whole for each in sides) - side.whole
    return Side(side.key[:1], THE_OTHERS, part, whole)


def _rows_of_rate(pairs: Sequence[Pair], rate: Column, by: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of one rate; those of too few messages don't count among Holm's looks."""
    enough = [pair for pair in pairs if pair.is_enough]
    chances = [pair.chance() for pair in enough]
    judged = dict(zip(enough, zip(chances, holm(chances), strict=True), strict=True))
    return [_row(pair, rate, by, judged.get(pair)) for pair in pairs]


def _row(
    pair: Pair, rate: Column, by: Sequence[str], judged: tuple[float, float] | None
) -> dict[str, Any]:
    low, high = pair.interval()
    chance, corrected = judged or (None, None)
    word = "too few"
    if judged:
        word = finding(*judged, low, high)
    side = pair.side
    beside = pair.beside
    return dict(zip(("campaign", *by), side.key, strict=True)) | {
        "metric": rate.name,
        "part": side.part,
        "whole": side.whole,
        "beside": beside.name,
        "beside_part": beside.part,
        "beside_whole": beside.whole,
        "difference": side.part / side.whole - beside.part / beside.whole,
        "difference_low": low,
        "difference_high": high,
        "chance": chance,
        "chance_holm": corrected,
        "finding": word,
    }
