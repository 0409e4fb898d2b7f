"""
Shares and their intervals.

Written here because it is twenty lines, whereas statsmodels would add a hundred megabytes for them.
"""

from __future__ import annotations

from math import nan, sqrt

#: The two-sided 95 % point of the normal distribution.
Z95 = 1.959963984540054


def share(part: float, whole: float) -> float:
    """
    part / whole, 0..1; NaN when there is no whole: nothing is known, which is not 0.

    >>> share(1, 4), share(0, 0)
    (0.25, nan)
    """
    return part / whole if whole else nan


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
