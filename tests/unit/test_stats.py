"""Shares and intervals against published values."""

from __future__ import annotations

from math import isnan, nan
from random import Random

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from cxtools.measures.question import Column
from cxtools.measures.rates import rate_columns
from cxtools.measures.stats import (
    chance_of_difference,
    fisher,
    holm,
    messages_per_arm,
    newcombe,
    share,
    wilson,
)


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


# --- two shares ---

#: Two shares -> Newcombe's interval of their difference, the score test and Fisher's exact test, as
#: statsmodels 0.15.0 (`confint_proportions_2indep(method="newcomb")`, `proportions_ztest`) and scipy
#: 1.17.1 (`fisher_exact`) give them. The first four are examples of Newcombe 1998b (method 10).
PAIRS = {
    (56, 70, 48, 80): ((0.052431, 0.333873), 0.00804508136819656, 0.012521129749209154),
    (9, 10, 3, 10): ((0.170523, 0.809018), 0.006169899320544151, 0.019766611097880443),
    (5, 56, 0, 29): ((-0.038137, 0.19256), 0.09718656817057973, 0.1606214432094711),
    (10, 10, 0, 20): ((0.679086, 1.0), 4.320463057827506e-08, 3.328339160423118e-08),
    (1464, 60099, 492, 19939): ((-0.002864, 0.002104), 0.8026013741551247, 0.8117366607154728),
    (3, 10, 3, 10): ((-0.359009, 0.359009), 1.0, 1.0),
}


@pytest.mark.parametrize("counts", PAIRS)
def test_two_shares_are_told_apart_as_statisticians_do(counts: tuple[int, int, int, int]) -> None:
    """The published bounds; Fisher's test where a cell expects few, else the score test."""
    interval, score, exact = PAIRS[counts]
    part, whole, other, other_whole = counts
    fewest = min(whole, other_whole) * min(part + other, whole + other_whole - part - other)
    expected = exact if fewest / (whole + other_whole) < 5 else score

    assert interval == pytest.approx(newcombe(*counts), abs=1e-6)
    assert exact == pytest.approx(fisher(*counts), rel=1e-6)
    assert expected == pytest.approx(chance_of_difference(*counts), rel=1e-6)


def test_the_example_of_newcombe() -> None:
    """56 of 70 beside 48 of 80, to the digits printed in the paper; the mirror image mirrors it."""
    assert (0.0524, 0.3339) == pytest.approx(newcombe(56, 70, 48, 80), abs=5e-5)
    assert (-0.3339, -0.0524) == pytest.approx(newcombe(48, 80, 56, 70), abs=5e-5)
    assert all(isnan(bound) for bound in newcombe(0, 0, 1, 2))


def test_holm_as_statsmodels_gives_it() -> None:
    """`multipletests(method="holm")` of statsmodels 0.15.0; none of no looks."""
    looks = [0.01, 0.04, 0.03, 0.2, 0.001]

    assert [0.04, 0.09, 0.09, 0.2, 0.005] == pytest.approx(holm(looks))
    assert [] == holm([])


@pytest.mark.parametrize(
    ("base", "better", "power", "n"),
    [(0.5, 0.75, 0.9, 76.7), (0.5, 0.75, 0.740, 50), (0.08, 0.09, 0.8, 12207.8)],
)
def test_the_size_of_a_test_is_that_of_r(
    base: float, better: float, power: float, n: float
) -> None:
    """The two examples on the help page of R's `power.prop.test`, and one of e-mail."""
    assert n == pytest.approx(messages_per_arm(base, better, power, 0.05), rel=2e-3)


def test_rates_of_columns_are_those_of_each_row() -> None:
    """To the last bit, at the ends, and where there is no whole or a part isn't measured."""
    rate = Column("rate", "share", "part / whole", "part", "whole")
    rng = Random(7)
    wholes = [0, *(rng.randrange(1, 10**7) for _ in range(2000))]
    parts = [rng.choice([0, whole, nan, rng.randint(0, whole)]) for whole in wholes]
    rows = pd.DataFrame({"part": parts, "whole": wholes})

    columns = rate_columns(rows, rate)
    pairs = list(zip(parts, wholes, strict=True))
    assert str([share(*pair) for pair in pairs]) == str(columns["rate"].tolist())
    bounds = list(zip(columns["rate_low"].tolist(), columns["rate_high"].tolist(), strict=True))
    assert str([wilson(*pair) for pair in pairs]) == str(bounds)
