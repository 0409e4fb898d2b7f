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
from dataclasses import dataclass, replace
from itertools import pairwise
from math import exp, log, sqrt
from statistics import mean, median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Counted in `whole` messages, `part` of which did it.
Cases = tuple[int, int]
Numbers = NDArray[np.float64]
#: Digits of a distance behind the point that all processors give alike.
DISTANCE_DIGITS = 9
#: So many of the moving ranges, the smallest, are what is typical; and what their mean is to a
#: standard deviation of a normal distribution: sqrt(2) * 2 * (phi(0) - phi(1.2816)) / 0.8.
KEPT_RANGES = 0.8
RANGE_SCALE = 0.790
#: From the median absolute deviation to the standard deviation of a normal distribution.
NORMAL_SCALE = 1.4826
#: No share is so steady that campaigns don't differ in it by a twentieth; of few campaigns, by a
#: tenth: they tell little of how they differ.
LEAST_SPREAD = 0.05
LEAST_SPREAD_OF_FEW = 0.1
MANY = 20
#: How often a place is halved in the search for one.
HALVINGS = 30
#: Logarithmic odds of as good as all.
FARTHEST = 30.0
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
    odds = exp(-abs(place))  # which doesn't overflow, however far the place is
    return (1 if place > 0 else odds) / (1 + odds)


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

    def around(self, centre: float) -> Chart:
        """The same chart around another usual share."""
        return replace(self, centre=centre)

    def distance(self, cases: Cases) -> float:
        """
        How many standard deviations a share lies from the usual one: the root of what it costs to
        explain it, partly by the campaign, whose own place is off the centre, and partly by chance
        (the profile likelihood). Of many cases it is what the normal distribution gives, of few, or
        of none, it still holds.

        >>> [round(Chart(0.05, 0.2).distance((part, 4000)), 1) for part in (200, 260, 0)]
        [0.0, 1.3, -12.2]
        """
        return self.distances([cases], [_log_odds(self.centre)])[0]

    def distances(self, cases: Sequence[Cases], centres: Sequence[float]) -> list[float]:
        """
        The same of many shares, each from a usual place of its own, as logarithmic odds; rounded,
        since processors differ in the last digits of a logarithm.
        """
        part, whole = np.array(cases, dtype=float).reshape(-1, 2).T
        centre = np.array(centres, dtype=float)
        place = self._likeliest_places(part, whole, centre)
        own = ((place - centre) / self.spread) ** 2 if self.spread else 0.0
        chance = 2 * _divergence(part, whole, _shares(place))
        distances = np.sign(part / whole - _shares(centre)) * np.sqrt(own + chance)
        return [round(float(distance), DISTANCE_DIGITS) + 0.0 for distance in distances]  # no -0

    def _likeliest_places(self, part: Numbers, whole: Numbers, centre: Numbers) -> Numbers:
        """
        Where the campaigns themselves most likely stand, between the centre and what is seen: there
        one step farther costs as much as it saves.
        """
        near = centre
        far = np.log((part + 0.5) / (whole - part + 0.5))
        for _ in range(HALVINGS if self.spread else 0):
            middle = (near + far) / 2
            pull = (middle - centre) / self.spread**2
            push = part - whole * _shares(middle)
            is_farther = (push - pull) * (far - centre) > 0
            near = np.where(is_farther, middle, near)
            far = np.where(is_farther, far, middle)
        return near

    def limits(self, whole: int, sigmas: float = SIGMAS) -> tuple[float, float]:
        """
        Between which shares so many messages are usual. By logarithmic odds the error is the less
        of that of the usual share and that of the limit itself, which Wilson's interval has: where
        nearly nothing is usual, a few cases are beyond it. Montgomery's cans of orange juice, as
        the book draws them:

        >>> [round(limit, 4) for limit in Chart(0.2313, scale=PLAIN).limits(50)]
        [0.0524, 0.4102]
        >>> [round(limit, 4) for limit in Chart(0.0002, 0.1).limits(1000)]
        [0.0, 0.0019]
        """
        if self.scale is LOG_ODDS:
            return self._limit(whole, -sigmas), self._limit(whole, sigmas)
        far = sigmas * self.deviation(whole)
        return max(self.centre - far, 0.0), min(self.centre + far, 1.0)

    def _limit(self, whole: int, sigmas: float) -> float:
        """
        The share that lies so many standard deviations below or above: between the usual one and
        where the error of the usual one would put it.
        """
        near = _log_odds(self.centre)
        far = max(-FARTHEST, min(FARTHEST, near + sigmas * self.deviation(whole)))
        for _ in range(HALVINGS):
            middle = (near + far) / 2
            if self._is_beyond(middle, whole, sigmas):
                far = middle
            else:
                near = middle
        return _from_log_odds(far)

    def _is_beyond(self, place: float, whole: int, sigmas: float) -> bool:
        shares = (self.centre, _from_log_odds(place))
        chance = min(_variance_of_log_odds(share) for share in shares) / whole
        return abs(place - _log_odds(self.centre)) >= abs(sigmas) * sqrt(chance + self.spread**2)


def _shares(places: Numbers) -> Numbers:
    shares: Numbers = 1 / (1 + np.exp(-places))
    return shares


def _divergence(part: Numbers, whole: Numbers, share: Numbers) -> Numbers:
    """By how much shares are less likely than those that are seen, as logarithms."""
    total = np.zeros(len(part))
    for number, expected in ((part, whole * share), (whole - part, whole * (1 - share))):
        seen = number > 0
        total[seen] += number[seen] * np.log(number[seen] / expected[seen])
    return np.maximum(total, 0.0)


def chart_of(cases: Sequence[Cases], baseline: int) -> Chart:
    """
    The chart of a row of shares: its centre is the median of the first *baseline* ones, its spread
    that between neighbours, all of them.

    >>> usual = chart_of([(50, 1000), (54, 1000), (46, 1000), (51, 1000), (49, 1000)], baseline=3)
    >>> usual.centre, usual.spread
    (0.05..., 0.1)
    """
    return Chart(centre_of(cases[:baseline]), spread_of([odds_of(each) for each in cases], cases))


def spread_of(odds: Sequence[float], cases: Sequence[Cases]) -> float:
    """How far shares differ by themselves, in logarithmic odds, without what chance adds."""
    chance = median(_variance(_inner_share(*each), each[1]) for each in cases)
    seen = min(_typical_range(odds) / RANGE_SCALE, _typical_deviation(odds) * NORMAL_SCALE)
    least = LEAST_SPREAD if len(cases) >= MANY else LEAST_SPREAD_OF_FEW
    return max(least, sqrt(max(0.0, seen**2 - chance)))


def odds_of(cases: Cases) -> float:
    """The logarithmic odds of a share, of one of nothing or all as well."""
    return _log_odds(_inner_share(*cases))


def _typical_range(places: Sequence[float]) -> float:
    """The mean range between neighbours without the largest ones, those at a step or an outlier."""
    ranges = sorted(abs(b - a) for a, b in pairwise(places))
    return mean(ranges[: max(1, round(KEPT_RANGES * len(ranges)))])


def _typical_deviation(places: Sequence[float]) -> float:
    """The median of how far places are from their median."""
    middle = median(places)
    return median(abs(place - middle) for place in places)


def centre_of(cases: Sequence[Cases]) -> float:
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
