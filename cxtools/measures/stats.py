"""
Shares and their intervals.

Written here because it is forty lines, whereas statsmodels would add a hundred megabytes for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import exp, lgamma, log, nan, sqrt

#: The two-sided 95 % point of the normal distribution.
Z95 = 1.959963984540054


def share(part: float, whole: float) -> float:
    """
    part / whole, 0..1; NaN when there is no whole: nothing is known, which is not 0.

    >>> share(1, 4), share(0, 0)
    (0.25, nan)
    """
    return part / whole if whole else nan


def share_of(counts: Mapping[str, int], part: str, whole: str) -> float | None:
    """
    A share of two counts; None where one of them isn't measured, or there is no whole.

    >>> share_of({"hard": 1, "attempted": 4}, "hard", "attempted")
    0.25
    """
    if part not in counts or not counts.get(whole):
        return None
    return counts[part] / counts[whole]


def known_shares(campaigns: Iterable[Mapping[str, int]], part: str, whole: str) -> list[float]:
    """
    A share of each of several counts, without those where it isn't measured.

    >>> known_shares([{"hard": 1, "attempted": 4}, {"attempted": 4}], "hard", "attempted")
    [0.25]
    """
    shares = [share_of(counts, part, whole) for counts in campaigns]
    return [share for share in shares if share is not None]


def wilson(successes: float, n: float) -> tuple[float, float]:
    """
    The 95 % Wilson score interval of a share, without continuity correction (Newcombe 1998, method
    3); NaN when n is 0.

    >>> [round(bound, 4) for bound in wilson(81, 263)]
    [0.2553, 0.3662]
    """
    if not n:
        return nan, nan
    rate = successes / n
    square = Z95 * Z95
    centre = rate + square / (2 * n)
    variance = rate * (1 - rate) / n
    margin = Z95 * sqrt(variance + square / (4 * n * n))
    scale = 1 + square / n
    low = (centre - margin) / scale
    high = (centre + margin) / scale
    # At the ends the bound is exactly 0 or 1; rounding must not move it past the share itself.
    if successes == 0:
        low = 0.0
    if successes == n:
        high = 1.0
    return low, high


#: Terms of a sum that are smaller than this part of it don't change it.
NEGLIGIBLE = 1e-17


def binomial_tail(successes: int, n: int, rate: float) -> float:
    """
    How likely at least so many of n are successes, when each is one with this rate (0 < rate < 1);
    the exact sum, from the end at which the terms grow smaller.

    >>> round(binomial_tail(5, 20, 0.05), 6), binomial_tail(0, 20, 0.05)
    (0.002574, 1.0)
    >>> round(binomial_tail(1, 100, 0.05), 6)
    0.994079
    """
    if successes <= 0:
        return 1.0
    if successes <= n * rate:
        return 1 - binomial_tail(n - successes + 1, n, 1 - rate)
    odds = rate / (1 - rate)
    term = _binomial_probability(successes, n, rate)
    total = term
    for number in range(successes, n):
        term *= (n - number) / (number + 1) * odds
        total += term
        if term < NEGLIGIBLE * total:
            break
    return total


def _binomial_probability(successes: int, n: int, rate: float) -> float:
    """The probability of exactly so many successes, by logarithms: factorials are too large."""
    ways = lgamma(n + 1) - lgamma(successes + 1) - lgamma(n - successes + 1)
    return exp(ways + successes * log(rate) + (n - successes) * log(1 - rate))
