"""
A campaign among its earlier ones: which of its rates are not what is usual.

Two things are usual: what the last campaigns had, and what the first ones of the last year had. The
second is pinned, so that a slow decline, in which each campaign is level with the one before it,
doesn't pass for usual. All are cut at the age of the campaign that is judged.

Campaigns differ by more than chance. So the distance is measured by their own spread (1.4826 times
the median absolute deviation, which one odd campaign doesn't move) together with the error of the
one that is judged; tests/unit/test_changes.py measures how often that alarms without a reason.
Opens and clicks differ by so many times, not by so many points: they are measured by their
logarithms. Else no campaign could fall below the usual where others have half of it, or twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import median
from typing import NamedTuple

from cxtools import wording
from cxtools.measures.stats import known_shares, share_of
from cxtools.verdicts.checks import Check
from cxtools.verdicts.limits import Limit

Counts = Mapping[str, int]

#: Fewer earlier campaigns, or fewer messages of this one, don't tell what is usual.
FEWEST_CAMPAIGNS = 5
FEWEST_MESSAGES = 200
#: Had it what is usual, a campaign must have so many cases before a few can be too few.
FEWEST_CASES = 10
#: A share of nothing, where shares are compared by their logarithms.
SMALLEST = 1e-6
#: So many times the usual spread is more than campaigns differ by themselves.
SPREADS = 4.0
#: From the median absolute deviation to the standard deviation of a normal distribution.
NORMAL_SCALE = 1.4826
SOURCE = "ours: the median of these campaigns, and four times their spread"


@dataclass(frozen=True)
class Rate:
    """
    A rate that is compared.

    Attributes:
        name: of the check, on pages
        part, whole: the counts that it is made of
        is_good: whether less of it is bad, not more
        least: how far from the usual it must be at least: a share of the usual where `is_relative`
        is_relative: whether campaigns differ in it by so many times, not by so many points
        happened: what happened to the messages, as a sentence says it
        step: the entry of `actions.STEPS` that mends it
    """

    name: str
    part: str
    whole: str
    is_good: bool
    least: float
    is_relative: bool
    happened: str
    step: str


RATES = (
    Rate(
        name="Delivered",
        part="delivered",
        whole="attempted",
        is_good=True,
        least=0.03,
        is_relative=False,
        happened="were delivered",
        step="read_answers",
    ),
    Rate(
        name="Hard bounces",
        part="hard",
        whole="attempted",
        is_good=False,
        least=0.015,
        is_relative=False,
        happened="bounced hard",
        step="clean_list",
    ),
    Rate(
        name="Blocked",
        part="block",
        whole="attempted",
        is_good=False,
        least=0.015,
        is_relative=False,
        happened="were blocked",
        step="read_answers",
    ),
    Rate(
        name="Clicked",
        part="clicked",
        whole="delivered",
        is_good=True,
        least=0.4,
        is_relative=True,
        happened="were clicked",
        step="check_tracking",
    ),
    Rate(
        name="Opened",
        part="opened",
        whole="delivered",
        is_good=True,
        least=0.4,
        is_relative=True,
        happened="were opened",
        step="check_tracking",
    ),
)


class Usual(NamedTuple):
    """
    What campaigns usually have of a rate: the median, and how far they are from it, in logarithms
    where the rate is relative.
    """

    share: float
    spread: float


@dataclass(frozen=True)
class Baseline:
    """Earlier campaigns that a campaign is compared with, and what a sentence calls them."""

    name: str
    words: str
    campaigns: Sequence[Counts]


def changes(counts: Counts, baselines: Sequence[Baseline]) -> list[Check]:
    """
    The rates beside what is usual: a WARN where one is far from it on its bad side, else PASS. Of
    several baselines the one from which a rate is farthest is named.

    >>> usual = [{"attempted": 1000, "delivered": 978 + place} for place in range(6)]
    >>> baseline = Baseline("the last campaigns", "the last {number} campaigns", usual)
    >>> [check] = changes({"attempted": 900, "delivered": 813}, [baseline])
    >>> check.limit.sentence
    '{number} were delivered; 98.0% are usual: the median of the last 6 campaigns.'
    >>> [check.word for check in changes({"attempted": 900, "delivered": 873}, [baseline])]
    ['PASS']
    """
    checks = []
    for rate in RATES:
        found = [_change(rate, counts, baseline) for baseline in baselines]
        known = [check for check in found if check is not None]
        if known:
            checks.append(max(known, key=_badness))
    return checks


def _badness(check: Check) -> float:
    """How far a rate is on the bad side of the bound from which it is a WARN."""
    share = (check.count or 0) / (check.whole or 1)
    beyond = share - check.limit.target
    return -beyond if check.limit.is_floor else beyond


def _change(rate: Rate, counts: Counts, baseline: Baseline) -> Check | None:
    share = share_of(counts, rate.part, rate.whole)
    usual = usual_of(rate, baseline.campaigns)
    if share is None or usual is None or not _is_enough(rate, usual, counts[rate.whole]):
        return None
    bound = _bound(rate, usual, counts[rate.whole])
    is_beyond = share < bound if rate.is_good else share > bound
    word = "WARN" if is_beyond else "PASS"
    limit = _limit(rate, usual, max(bound, 0.0), baseline)
    return Check(limit, word, counts[rate.part], counts[rate.whole])


def usual_of(rate: Rate, campaigns: Sequence[Counts]) -> Usual | None:
    """What is usual; None where too few campaigns tell of it."""
    known = known_shares(campaigns, rate.part, rate.whole)
    if len(known) < FEWEST_CAMPAIGNS:
        return None
    middle = median(known)
    return Usual(middle, NORMAL_SCALE * _deviation(rate, known))


def _deviation(rate: Rate, shares: Sequence[float]) -> float:
    """The median of how far these are from their median."""
    if rate.is_relative:
        shares = [log(max(share, SMALLEST)) for share in shares]
    middle = median(shares)
    return median(abs(share - middle) for share in shares)


def _is_enough(rate: Rate, usual: Usual, n: int) -> bool:
    """Whether there are messages enough to tell; and cases, had it what is usual."""
    return n >= FEWEST_MESSAGES and (not rate.is_relative or n * usual.share >= FEWEST_CASES)


def _bound(rate: Rate, usual: Usual, n: int) -> float:
    """From where on a rate is no longer the usual one by chance."""
    direction = -1 if rate.is_good else 1
    error = usual.share * (1 - usual.share) / n
    if not rate.is_relative:
        far = max(rate.least, SPREADS * sqrt(usual.spread**2 + error))
        return usual.share + direction * far
    least = abs(log(1 + direction * rate.least))
    times = max(least, SPREADS * sqrt(usual.spread**2 + error / usual.share**2))
    return usual.share * exp(direction * times)


def _limit(rate: Rate, usual: Usual, bound: float, baseline: Baseline) -> Limit:
    number = len(known_shares(baseline.campaigns, rate.part, rate.whole))
    earlier = baseline.words.format(number=number)
    if number < len(baseline.campaigns):
        earlier += " that tell of it"
    usual_text = wording.percent(usual.share)
    return Limit(
        name=f"{rate.name}, beside {baseline.name}",
        part=rate.part,
        whole=rate.whole,
        target=bound,
        limit=None,
        stop=None,
        sentence=f"{{number}} {rate.happened}; {usual_text} are usual: the median of {earlier}.",
        source=SOURCE,
        step=rate.step,
        is_floor=rate.is_good,
    )
