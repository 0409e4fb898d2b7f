"""Shares and intervals against published values."""

from __future__ import annotations

from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cxtools.measures.stats import share, wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),  # Newcombe 1998, table I, method 3
        (3, 50, 0.0206, 0.1622),
        (10345, 100_000, 0.10158, 0.10535),
        (2119, 100_000, 0.02032, 0.02210),
    ],
)
def test_wilson_gives_the_published_bounds(successes: int, n: int, low: float, high: float) -> None:
    """The interval is that of the literature, to the digits printed there."""
    assert (low, high) == pytest.approx(wilson(successes, n), abs=6e-5)


@given(some.integers(1, 10**7).flatmap(lambda n: some.tuples(some.integers(0, n), some.just(n))))
def test_an_interval_holds_its_share_and_mirrors_its_complement(counts: tuple[int, int]) -> None:
    """
    0 <= low <= share <= high <= 1, and the failures' interval is the successes' seen from the other
    side.
    """
    successes, n = counts
    low, high = wilson(successes, n)

    assert 0 <= low <= share(successes, n) <= high <= 1
    assert (1 - high, 1 - low) == pytest.approx(wilson(n - successes, n), abs=1e-9)


def test_nothing_divided_by_nothing_is_unknown() -> None:
    """A share of nothing is missing, not 0."""
    assert isnan(share(0, 0))
    assert all(isnan(bound) for bound in wilson(0, 0))
