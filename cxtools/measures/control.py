"""
Control charts of shares that differ by more than chance, and where one has left its usual way.

A p-chart (Shewhart 1931; Montgomery, Introduction to Statistical Quality Control, 7.2) takes what
differs for chance alone. Campaigns differ by themselves, too: of enough messages every one would
lie outside. So the limits are widened by the spread between campaigns, which adds to the error of
each (Spiegelhalter 2005, Handling over-dispersion of performance indicators, the additive model)
and is measured by the moving range, as Laney's p' measures it (Laney 2002, Improved control
charts for attributes): neither a step nor a slow decline makes it wider. Where single campaigns
stand out, as two of nine may, the median absolute deviation is less, and is taken.

Shares are charted by their logarithmic odds, since opens, clicks and bounces differ by so many
times, not by so many points: else nothing could lie below the lower limit.

No library that is small enough has this chart: pyspc and the like draw Shewhart's only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import copysign, exp, log, sqrt
from statistics import mean, median
from typing import NamedTuple

#: Counted in `whole` messages, `part` of which did it.
Cases = tuple[int, int]
#: So many of the moving ranges, the smallest, are what is typical; and what their mean is to a
#: standard deviation of a normal distribution: sqrt(2) * 2 * (phi(0) - phi(1.2816)) / 0.8.
KEPT_RANGES = 0.8
RANGE_SCALE = 0.790
#: From the median absolute deviation to the standard deviation of a normal distribution.
NORMAL_SCALE = 1.4826
#: No share is so steady that campaigns don't differ in it by a tenth.
LEAST_SPREAD = 0.1
#: So many standard deviations are as usual, where the neighbours are far away.
CALM = 1.5
#: How often a place is halved in the search for one.
HALVINGS = 30
#: Limits stand so many standard deviations from the centre.
SIGMAS = 3.0


class Scale(NamedTuple):
    """How a share is charted: its place, the share of a place, and its variance for one message."""

    place: Callable[[float], float]
    share: Callable[[float], float]
    variance: Callable[[float], float]


def _log_odds(share: float) -> float:
    return log(share / (1 - share))


def _from_log_odds(place: float) -> float:
    return 1 / (1 + exp(-place))


def _variance_of_log_odds(share: float) -> float:
    return 1 / (share * (1 - share))


LOG_ODDS = Scale(_log_odds, _from_log_odds, _variance_of_log_odds)
#: As the textbooks draw it.
PLAIN = Scale(float, float, lambda share: share * (1 - share))


@dataclass(frozen=True)
class Chart:
    """
    What is usual of a share.

    Attributes:
        centre: the usual share
        spread: how far campaigns lie from it by themselves, on the scale
    """

    centre: float
    spread: float = 0.0
    scale: Scale = LOG_ODDS

    def deviation(self, whole: int) -> float:
        """The standard deviation of so many messages, on the scale."""
        chance = self.scale.variance(self.centre) / whole
        return sqrt(chance + self.spread**2)

    def distance(self, cases: Cases) -> float:
        """
        How many standard deviations a share lies from the usual one: the root of what it costs to
        explain it, partly by the campaign, whose own place is off the centre, and partly by chance
        (the profile likelihood). Of many cases it is what the normal distribution gives, of few, or
        of none, it still holds.

        >>> [round(Chart(0.05, 0.2).distance((part, 4000)), 1) for part in (200, 260, 0)]
        [0.0, 1.3, -12.2]
        """
        part, whole = cases
        centre = _log_odds(self.centre)
        place = self._likeliest_place(cases)
        own = ((place - centre) / self.spread) ** 2 if self.spread else 0.0
        chance = 2 * _divergence(part, whole, _from_log_odds(place))
        return copysign(sqrt(own + chance), part / whole - self.centre)

    def _likeliest_place(self, cases: Cases) -> float:
        """
        Where the campaign itself most likely stands, between the centre and what is seen: there one
        step farther costs as much as it saves.
        """
        part, whole = cases
        centre = _log_odds(self.centre)
        near, far = centre, _log_odds(_inner_share(part, whole))
        for _ in range(HALVINGS if self.spread else 0):
            middle = (near + far) / 2
            pull = (middle - centre) / self.spread**2
            push = part - whole * _from_log_odds(middle)
            if (push - pull) * (far - centre) > 0:
                near = middle
            else:
                far = middle
        return near

    def limits(self, whole: int, sigmas: float = SIGMAS) -> tuple[float, float]:
        """
        Between which shares so many messages are usual; Montgomery's cans of orange juice:

        >>> [round(limit, 4) for limit in Chart(0.2313, scale=PLAIN).limits(50)]
        [0.0524, 0.4102]
        """
        centre = self.scale.place(self.centre)
        far = sigmas * self.deviation(whole)
        low, high = self.scale.share(centre - far), self.scale.share(centre + far)
        return max(low, 0.0), min(high, 1.0)


def _divergence(part: int, whole: int, share: float) -> float:
    """By how much a share is less likely than the one that is seen, as a logarithm."""
    total = 0.0
    for number, expected in ((part, whole * share), (whole - part, whole * (1 - share))):
        if number:
            total += number * log(number / expected)
    return max(total, 0.0)


def chart_of(cases: Sequence[Cases], baseline: int) -> Chart:
    """
    The chart of a row of shares: its centre is the median of the first *baseline* ones, its spread
    that between neighbours, all of them.

    >>> usual = chart_of([(50, 1000), (54, 1000), (46, 1000), (51, 1000), (49, 1000)], baseline=3)
    >>> usual.centre, usual.spread
    (0.05..., 0.1)
    """
    shares = [_inner_share(*each) for each in cases]
    centre = _centre(cases[:baseline])
    places = [LOG_ODDS.place(share) for share in shares]
    chance = median(
        _variance(share, whole) for share, (_, whole) in zip(shares, cases, strict=True)
    )
    seen = min(_typical_range(places) / RANGE_SCALE, _typical_deviation(places) * NORMAL_SCALE)
    return Chart(centre, max(LEAST_SPREAD, sqrt(max(0.0, seen**2 - chance))))


def _typical_range(places: Sequence[float]) -> float:
    """The mean range between neighbours without the largest ones, those at a step or an outlier."""
    ranges = sorted(abs(b - a) for a, b in pairwise(places))
    return mean(ranges[: max(1, round(KEPT_RANGES * len(ranges)))])


def _typical_deviation(places: Sequence[float]) -> float:
    """The median of how far places are from their median."""
    middle = median(places)
    return median(abs(place - middle) for place in places)


def _centre(cases: Sequence[Cases]) -> float:
    """The median share; where that is 0 or 1, that of all together."""
    middle = median(part / whole for part, whole in cases)
    if 0 < middle < 1:
        return middle
    return _inner_share(sum(part for part, _ in cases), sum(whole for _, whole in cases))


def _variance(share: float, whole: int) -> float:
    return LOG_ODDS.variance(share) / whole


def _inner_share(part: int, whole: int) -> float:
    """A share that is neither 0 nor 1, so that it has odds (Haldane 1956)."""
    return (part + 0.5) / (whole + 1)


class Stretch(NamedTuple):
    """Places first..last of a row, which together lie so many standard deviations away."""

    first: int
    last: int
    distance: float


def farthest_stretches(distances: Sequence[float], least: float) -> list[Stretch]:
    """
    The stretches of a row that are too far above 0 to be chance: of all stretches the one whose sum
    over the square root of its length is largest, then the same before and behind it (the scan
    that Olshen and others, 2004, segment with). One place that is far away is found, and so are
    many that are a little.

    >>> farthest_stretches([0.1, -1, 7, 6.5, 0.3, -0.4], least=5)
    [Stretch(first=2, last=3, distance=9.5...)]
    >>> farthest_stretches([0, 0, *[2.2] * 9], least=5)
    [Stretch(first=2, last=10, distance=6.59...)]
    """
    return _within(distances, 0, len(distances), least)


def _within(distances: Sequence[float], begin: int, end: int, least: float) -> list[Stretch]:
    best = _farthest(distances, begin, end)
    if best is None or best.distance < least:
        return []
    calm = _calm_place(distances, best, least)
    if calm is not None:
        return [
            *_within(distances, begin, calm, least),
            *_within(distances, calm + 1, end, least),
        ]
    before = _within(distances, begin, best.first, least)
    return [*before, best, *_within(distances, best.last + 1, end, least)]


def _calm_place(distances: Sequence[float], best: Stretch, least: float) -> int | None:
    """A place that is as usual between two that are far away: these are two stretches, not one."""
    for place in range(best.first + 1, best.last):
        left = mean(distances[best.first : place])
        right = mean(distances[place + 1 : best.last + 1])
        if distances[place] < CALM and min(left, right) >= least:
            return place
    return None


def _farthest(distances: Sequence[float], begin: int, end: int) -> Stretch | None:
    best = None
    for first in range(begin, end):
        total = 0.0
        for last in range(first, end):
            total += distances[last]
            far = total / sqrt(last - first + 1)
            if best is None or far > best.distance:
                best = Stretch(first, last, far)
    return best
