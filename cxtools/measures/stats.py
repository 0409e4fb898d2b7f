"""
Shares, their intervals, and what tells two of them apart.

Written here because each is some ten lines, whereas scipy and statsmodels would add more than a
hundred megabytes and a second of import for them. The tests hold them to published figures and to
what scipy and statsmodels give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import erfc, exp, inf, lgamma, log, nan, sqrt
from statistics import NormalDist
from typing import Any

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


#: A share of fewer messages tells too little to be charted, or to be a part of what is usual.
FEWEST_MESSAGES = 100


def known_shares(campaigns: Iterable[Mapping[str, int]], part: str, whole: str) -> list[float]:
    """
    A share of each of several counts, without those where it isn't measured or of fewer than
    FEWEST_MESSAGES.

    >>> known_shares([{"hard": 100, "attempted": 400}, {"attempted": 400}], "hard", "attempted")
    [0.25]
    >>> known_shares([{"hard": 9, "attempted": 10}], "hard", "attempted")
    []
    """
    shares = [
        share_of(counts, part, whole)
        for counts in campaigns
        if counts.get(whole, 0) >= FEWEST_MESSAGES
    ]
    return [share for share in shares if share is not None]


def number_of_small(campaigns: Iterable[Mapping[str, int]], part: str, whole: str) -> int:
    """
    How many of several counts measure a share, but of fewer than FEWEST_MESSAGES.

    >>> number_of_small([{"hard": 9, "attempted": 10}, {"attempted": 10}], "hard", "attempted")
    1
    """
    small = [counts for counts in campaigns if counts.get(whole, 0) < FEWEST_MESSAGES]
    return sum(share_of(counts, part, whole) is not None for counts in small)


def wilson(successes: float, n: float) -> tuple[float, float]:
    """
    The 95 % Wilson score interval of a share, without continuity correction (Newcombe 1998, method
    3); NaN when n is 0.

    >>> [round(bound, 4) for bound in wilson(81, 263)]
    [0.2553, 0.3662]
    """
    if not n:
        return nan, nan
    low, high = score_bounds(successes, n, sqrt)
    # At the ends the bound is exactly 0 or 1; rounding must not move it past the share itself.
    if successes == 0:
        low = 0.0
    if successes == n:
        high = 1.0
    return low, high


def score_bounds(successes: Any, n: Any, root: Callable[[Any], Any]) -> tuple[Any, Any]:
    """
    What Wilson's formula gives: of one share, or of a column of shares with a *root* that knows
    columns.
    """
    rate = successes / n
    square = Z95 * Z95
    centre = rate + square / (2 * n)
    variance = rate * (1 - rate) / n
    margin = Z95 * root(variance + square / (4 * n * n))
    scale = 1 + square / n
    return (centre - margin) / scale, (centre + margin) / scale


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


# --- two shares ---

#: Where chance puts fewer than so many into a cell of the table of two shares, it is counted out.
FEWEST_EXPECTED = 5
#: Tables that are as unlikely as the one that is seen, but for rounding.
ALMOST_EQUAL = 1 + 1e-7


def newcombe(part: int, whole: int, other_part: int, other_whole: int) -> tuple[float, float]:
    """
    The 95 % interval of the difference of two shares, the first less the other, by Newcombe's
    hybrid of Wilson's intervals, without continuity correction (Newcombe 1998b, method 10); NaN
    where one of them has no whole.

    >>> [round(bound, 4) for bound in newcombe(56, 70, 48, 80)]
    [0.0524, 0.3339]
    """
    if not whole or not other_whole:
        return nan, nan
    rate = part / whole
    other = other_part / other_whole
    low, high = wilson(part, whole)
    other_low, other_high = wilson(other_part, other_whole)
    below = sqrt((rate - low) ** 2 + (other_high - other) ** 2)
    above = sqrt((high - rate) ** 2 + (other - other_low) ** 2)
    return rate - other - below, rate - other + above


def chance_of_difference(part: int, whole: int, other_part: int, other_whole: int) -> float:
    """
    How likely two shares differ at least so much where nothing but chance parts them, two-sided:
    the score test, or Fisher's exact test where one of four counts is expected to be below 5.

    >>> [round(chance_of_difference(*counts), 4) for counts in [(56, 70, 48, 80), (3, 10, 3, 10)]]
    [0.008, 1.0]
    """
    parts = part + other_part
    n = whole + other_whole
    fewest = min(whole, other_whole) * min(parts, n - parts)
    if fewest < FEWEST_EXPECTED * n:
        return fisher(part, whole, other_part, other_whole)
    rate = parts / n
    error = sqrt(rate * (1 - rate) * (1 / whole + 1 / other_whole))
    distance = abs(part / whole - other_part / other_whole) / error
    return erfc(distance / sqrt(2))


def fisher(part: int, whole: int, other_part: int, other_whole: int) -> float:
    """
    Fisher's exact test, two-sided: the sum over all tables of these margins that are no likelier
    than the one that is seen.

    >>> round(fisher(8, 10, 1, 6), 6)
    0.034965
    """
    parts = part + other_part
    seen = _table_probability(part, whole, parts, other_whole)
    total = 0.0
    for number in range(max(0, parts - other_whole), min(whole, parts) + 1):
        probability = _table_probability(number, whole, parts, other_whole)
        if probability <= seen * ALMOST_EQUAL:
            total += probability
    return min(total, 1.0)


def _table_probability(part: int, whole: int, parts: int, other_whole: int) -> float:
    """The hypergeometric probability of so many of all parts among the first whole."""
    ways = _log_ways(whole, part) + _log_ways(other_whole, parts - part)
    return exp(ways - _log_ways(whole + other_whole, parts))


def _log_ways(n: int, chosen: int) -> float:
    return lgamma(n + 1) - lgamma(chosen + 1) - lgamma(n - chosen + 1)


def holm(chances: Sequence[float]) -> list[float]:
    """
    The probabilities of several looks, each corrected for the others (Holm 1979), in their order.

    >>> [round(chance, 3) for chance in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    corrected = [1.0] * len(chances)
    largest = 0.0
    in_order = sorted(range(len(chances)), key=lambda place: chances[place])
    for rank, place in enumerate(in_order):
        times = len(chances) - rank
        largest = max(largest, min(1.0, times * chances[place]))
        corrected[place] = largest
    return corrected


def messages_per_arm(base: float, better: float, power: float, error_rate: float) -> float:
    """
    How many messages each of two arms needs, so that a two-sided test at this error rate sees one
    rate from the other with this probability (Fleiss, Statistical Methods for Rates and
    Proportions, without continuity correction; R's `power.prop.test`); infinite for equal rates.

    >>> round(messages_per_arm(0.08, 0.09, 0.8, 0.05), 1)
    12207.8
    >>> round(messages_per_arm(0.5, 0.75, 0.9, 0.05), 1)
    76.7
    """
    if base == better:
        return inf
    middle = (base + better) / 2
    one_rate = NormalDist().inv_cdf(1 - error_rate / 2) * sqrt(2 * middle * (1 - middle))
    two_rates = NormalDist().inv_cdf(power) * sqrt(base * (1 - base) + better * (1 - better))
    return ((one_rate + two_rates) / (better - base)) ** 2
