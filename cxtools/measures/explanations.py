"""What explains an alert: in which groups the messages are that are missing, or too many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import log

from cxtools.measures.alert import Alert, Contribution, direction
from cxtools.measures.control import Cases
from cxtools.measures.history import (
    CAUSE,
    EVERYTHING,
    FEWEST_PERIODS,
    Counts,
    History,
    whole_of,
)
from cxtools.measures.series import BASELINE, RECENT
from cxtools.measures.stats import FEWEST_MESSAGES
from cxtools.verdicts.changes import Rate

#: The first few groups explain an alert with at least this share of it, when the rest changed a
#: third as much.
EXPLAINS = 0.8
MOST_NAMED = 3
TIMES_THE_REST = 3.0
#: Several groups that have most of the clicks anyway explain nothing by having most of the missing
#: ones: it must be so many times their part of what is usual.
TIMES_THEIR_PART = 1.5


def explain(history: History, alert: Alert) -> Alert:
    contributions: list[Contribution] = []
    explained: list[Contribution] = []
    for dimension in history.dimensions():
        own = _contributions(history, alert, dimension)
        contributions += own
        explained += _named(own)
    if alert.group != EVERYTHING:
        usual = alert.usual * alert.whole
        itself = Contribution(alert.group, alert.part, alert.whole, usual, alert.excess, 1.0)
        explained = [itself, *(each for each in explained if each.group.dimension == CAUSE)]
    return replace(alert, explained=explained, contributions=contributions)


def _contributions(history: History, alert: Alert, dimension: str) -> list[Contribution]:
    """
    What each group of a dimension has to do with an alert, by its own usual share; the largest
    excess first.
    """
    found = list(excesses(history, alert, dimension))
    surplus = sum(each.excess for each in found if each.excess > 0)
    whole = max(alert.excess, surplus)
    told = [each._replace(explains=max(0.0, each.excess / whole)) for each in found if whole > 0]
    return sorted(told, key=lambda each: -each.excess)


def excesses(history: History, alert: Alert, dimension: str) -> Iterator[Contribution]:
    """How many messages each group has too many, or too few."""
    part, whole, sign = _counted(alert.rate, dimension)
    for group in history.values(dimension):
        rows = history.groups[group]
        if not any(part in counts for counts in rows):
            continue
        happened, mailed = sum_of(rows[alert.first : alert.last + 1], part, whole)
        usual_part, usual_whole = sum_of(usual_rows(rows, alert), part, whole)
        usual = mailed * (usual_part / usual_whole if usual_whole else alert.usual)
        yield Contribution(group, happened, mailed, usual, sign * (happened - usual), 0.0)


def usual_rows(rows: Sequence[Counts], alert: Alert) -> Sequence[Counts]:
    """The periods that tell what is usual in an alert: those before it; the first others."""
    before = rows[max(0, alert.first - RECENT) : alert.first]
    if len(before) >= FEWEST_PERIODS:
        return before
    return [*rows[: alert.first], *rows[alert.last + 1 :]][:BASELINE]


def _counted(rate: Rate, dimension: str) -> tuple[str, str, int]:
    """The counts that tell of a rate in a dimension; causes are told by bounces only."""
    if dimension == CAUSE and rate.part == "delivered":
        return "bounced", rate.whole, 1
    return rate.part, rate.whole, direction(rate)


def sum_of(rows: Sequence[Counts], part: str, whole: str) -> Cases:
    told = [counts for counts in rows if part in counts]
    return (
        sum(counts[part] for counts in told),
        sum(whole_of(counts, part, whole) for counts in told),
    )


def _named(contributions: Sequence[Contribution]) -> Sequence[Contribution]:
    """The fewest of the first groups that explain an alert; none where they don't."""
    for number in range(1, min(MOST_NAMED, len(contributions)) + 1):
        first = contributions[:number]
        rest = contributions[number:]
        if sum(each.explains for each in first) >= EXPLAINS and _stand_out(first, rest):
            return first
    return ()


def _stand_out(first: Sequence[Contribution], rest: Sequence[Contribution]) -> bool:
    """Whether each of the first changed, and all others together are nearly as usual."""
    if sum(each.whole for each in rest) < FEWEST_MESSAGES:
        # All providers are no explanation, the only cause is.
        return first[0].group.dimension == CAUSE
    if len(first) > 1 and _are_most(first, rest):
        return False
    others = shift(sum(each.part for each in rest), sum(each.usual for each in rest))
    return all(abs(shift(each.part, each.usual)) >= TIMES_THE_REST * abs(others) for each in first)


def _are_most(first: Sequence[Contribution], rest: Sequence[Contribution]) -> bool:
    """Whether the first would explain as much by having most of what is usual."""
    explained = sum(each.explains for each in first)
    usual = sum(each.usual for each in first)
    others = sum(each.usual for each in rest)
    is_fall = sum(each.part - each.usual for each in first) < 0
    return is_fall and explained * (usual + others) < TIMES_THEIR_PART * usual


def shift(part: float, usual: float) -> float:
    """By how many times more, or less, than usual, as a logarithm."""
    return log((part + 0.5) / (usual + 0.5))
