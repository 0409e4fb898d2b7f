"""Control charts against a textbook, and what a stretch that has left its usual way is."""

from __future__ import annotations

from random import Random

import pytest

from cxtools.measures.control import PLAIN, Chart, chart_of
from cxtools.measures.stretches import farthest_stretches

#: Cans of frozen orange juice that leak, of samples of 50: Montgomery, Introduction to Statistical
#: Quality Control, example 7.1 (table 7.1).
CANS = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22]
CANS += [8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]


def out_of_control(cans: list[int], chart: Chart) -> list[int]:
    """The numbers of the samples beyond three standard deviations, as the book counts them."""
    low, high = chart.limits(50)
    return [number for number, leaking in enumerate(cans, 1) if not low <= leaking / 50 <= high]


def test_the_textbook_chart() -> None:
    """Its centre, its limits and its two samples out of control; revised without them, the same."""
    first = Chart(sum(CANS) / 1500, scale=PLAIN)
    kept = [leaking for number, leaking in enumerate(CANS, 1) if number not in (15, 23)]
    revised = Chart(sum(kept) / 1400, scale=PLAIN)

    assert (0.2313, 0.0524, 0.4102) == pytest.approx((first.centre, *first.limits(50)), abs=6e-5)
    assert [15, 23] == out_of_control(CANS, first)
    assert (0.2150, 0.0407, 0.3893) == pytest.approx(
        (revised.centre, *revised.limits(50)), abs=6e-5
    )


def test_odds_keep_a_lower_limit_above_nothing() -> None:
    """By points, campaigns that differ by a third of 3 % couldn't fall below the usual."""
    low, high = Chart(0.03, 0.35).limits(4000)

    assert 0 < low < 0.03 < high < 1
    assert Chart(0.03, 0.35).distance((0, 4000)) < -5


@pytest.mark.parametrize("centre", [0.0003, 0.02, 0.3, 0.995])
def test_limits_lie_where_the_distance_is_three(centre: float) -> None:
    """Also where next to nothing is usual, or next to all; a limit of no case at all is none."""
    chart = Chart(centre, 0.1)
    low, high = chart.limits(3000)

    assert abs(chart.distance((round(3000 * centre), 3000))) < 1
    assert 2.1 < chart.distance((round(3000 * high), 3000)) < 3.9
    assert round(3000 * low) == 0 or -3.9 < chart.distance((round(3000 * low), 3000)) < -2.1


def test_the_limits_of_a_hundred_messages_beside_millions() -> None:
    """Of ten million none bounced: of a hundred some may, and no number is too large to compute."""
    low, high = Chart(5e-8, 0.1).limits(100)

    assert 0 <= low < 5e-8 < high < 0.05


def test_more_messages_make_limits_closer_but_for_what_campaigns_differ_by() -> None:
    """Of endless messages chance is gone; the spread between campaigns stays."""
    alone, spread = Chart(0.05), Chart(0.05, 0.2)

    assert alone.deviation(10**9) < 0.001
    assert 0.2 == pytest.approx(spread.deviation(10**9), abs=1e-4)
    assert spread.deviation(1000) > spread.deviation(10_000)


@pytest.mark.parametrize("step", [0.0, -1.0])
def test_the_spread_is_that_between_neighbours(step: float) -> None:
    """A step in the middle doesn't make the limits wider, nor does it move a centre that is pinned."""
    rng = Random(7)
    chart = Chart(0.1)
    cases = []
    for place in range(60):
        odds = chart.scale.place(0.1) + rng.gauss(0, 0.3) + (step if place >= 30 else 0.0)
        cases.append((round(chart.scale.share(odds) * 50_000), 50_000))
    made = chart_of(cases, baseline=20)

    assert 0.3 == pytest.approx(made.spread, abs=0.07)
    assert 0.1 == pytest.approx(made.centre, abs=0.015)


@pytest.mark.parametrize(
    ("distances", "found"),
    [
        ([0.0, 1.0, -2.0, 4.0, 0.0], []),
        ([0.0, 0.0, 7.0, 0.0], [(2, 2)]),
        ([0.0, 0.0, 2.5, 2.5, 2.5, 2.5, 2.5, 0.0], [(2, 6)]),
        ([9.0, -9.0, 9.0], [(0, 0), (2, 2)]),
        ([15.0, 0.2, 18.0], [(0, 0), (2, 2)]),
        ([2.8, 2.9, 0.9, 2.7, 3.1, 2.6, 2.8], [(0, 6)]),
        ([], []),
    ],
)
def test_a_stretch_is_found_where_it_is(
    distances: list[float], found: list[tuple[int, int]]
) -> None:
    """One place far away, several a little (one of them calm), two apart; none where chance will do."""
    assert found == [(each.first, each.last) for each in farthest_stretches(distances, 5.5)]


def test_a_long_row_is_searched_as_well_as_a_short_one() -> None:
    """Of ten thousand places a stretch of three thousand has its ends, and so has a single one."""
    distances = [0.0] * 10_000
    distances[2_000:5_000] = [1.0] * 3_000
    distances[7_777] = 9.0

    assert [(2_000, 4_999), (7_777, 7_777)] == [
        (each.first, each.last) for each in farthest_stretches(distances, 5.5)
    ]


def test_many_stretches_are_no_deeper_than_one() -> None:
    """Two thousand single places, far apart: none waits for the others."""
    distances = [9.0, *[-3.0] * 4] * 2_000

    assert 2_000 == len(farthest_stretches(distances, 5.5))
