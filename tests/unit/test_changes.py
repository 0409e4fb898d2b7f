"""What is usual: the last campaigns, and the first of the year; frogs don't boil."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from cxtools.verdicts.changes import Baseline, changes
from cxtools.verdicts.checks import Check

EIGHT = range(8)


def alarms(checks: list[Check]) -> list[Check]:
    return [check for check in checks if check.word == "WARN"]


def baseline(rates: list[float], part: str = "delivered", whole: str = "attempted") -> Baseline:
    campaigns = [{whole: 10_000, part: round(10_000 * rate)} for rate in rates]
    return Baseline("the last campaigns", "the last {number} campaigns", campaigns)


USUAL = [0.97 + 0.002 * number for number in (-2, -1, 0, 1, 2, -1, 1, 0)]


@pytest.mark.parametrize(
    ("counts", "rates", "sentences"),
    [
        (
            {"attempted": 8000, "delivered": 7000},
            USUAL,
            ["{number} were delivered; 97.0% are usual: the median of the last 8 campaigns."],
        ),
        ({"attempted": 8000, "delivered": 7680}, USUAL, []),  # 96: a point below
        ({"attempted": 8000, "delivered": 8000}, USUAL, []),  # better is no trouble
        ({"attempted": 150, "delivered": 120}, USUAL, []),  # too few messages
        ({"attempted": 8000, "delivered": 7000}, USUAL[:4], []),  # too few campaigns
        # Campaigns that differ much among themselves tell little.
        ({"attempted": 8000, "delivered": 7000}, [0.99, 0.8, 0.95, 0.7, 0.9, 0.85], []),
        # One disaster among them doesn't hide another.
        (
            {"attempted": 8000, "delivered": 7000},
            [*USUAL[:7], 0.4],
            ["{number} were delivered; 96.9% are usual: the median of the last 8 campaigns."],
        ),
    ],
)
def test_what_is_far_from_the_usual_is_named(
    counts: dict[str, int], rates: list[float], sentences: list[str]
) -> None:
    """Far by the campaigns' own spread, and by as much as anybody would notice."""
    found = alarms(changes(counts, [baseline(rates)]))

    assert sentences == [check.limit.sentence for check in found]


def test_a_slow_decline_is_held_against_the_first_campaigns() -> None:
    """A year from 97.9 to 90.3 %: level with the last ones, far from the first."""
    year = [0.979 - 0.0015 * week for week in range(51)]
    last = baseline(year[-8:])
    first = Baseline("the first of the year", "the first {number} of the last year", [])
    first = Baseline(first.name, first.words, baseline(year[:8]).campaigns)
    counts = {"attempted": 8000, "delivered": 7224}

    assert [] == alarms(changes(counts, [last]))
    [check] = alarms(changes(counts, [last, first]))
    assert "97.4% are usual: the median of the first 8 of the last year." in check.limit.sentence


def test_nobody_clicks_any_more() -> None:
    """Tracking that is broken: clicks vanish where earlier campaigns had some."""
    usual = [0.03, 0.034, 0.028, 0.031, 0.036, 0.029]
    [check] = changes({"delivered": 5000, "clicked": 0}, [baseline(usual, "clicked", "delivered")])

    assert ("WARN", "check_tracking") == (check.word, check.limit.step)


@pytest.mark.parametrize(
    ("delivered", "clicked", "steps"),
    [(5000, 10, ["check_tracking"]), (5000, 75, []), (703, 1, ["check_tracking"]), (210, 0, [])],
)
def test_clicks_that_are_lost_for_most_of_the_list_are_missed(
    delivered: int, clicked: int, steps: list[str]
) -> None:
    """Also where campaigns have half of the usual or twice: by times, not by points."""
    usual = [0.02, 0.06, 0.03, 0.045, 0.024, 0.05, 0.028, 0.04]
    counts = {"delivered": delivered, "clicked": clicked}
    found = alarms(changes(counts, [baseline(usual, "clicked", "delivered")]))

    assert steps == [check.limit.step for check in found]


def _rate(rng: random.Random, base: float, spread: float) -> float:
    odds = math.log(base / (1 - base)) + rng.gauss(0, spread)
    return 1 / (1 + math.exp(-odds))


@pytest.mark.parametrize(
    ("part", "whole", "base", "spread"),
    [
        ("delivered", "attempted", 0.97, 0.3),
        ("hard", "attempted", 0.01, 0.4),
        ("block", "attempted", 0.004, 0.5),
        ("clicked", "delivered", 0.03, 0.3),
        ("opened", "delivered", 0.25, 0.2),
    ],
)
def test_campaigns_that_differ_as_they_do_alarm_seldom(
    part: str, whole: str, base: float, spread: float
) -> None:
    """Of 400 campaigns that are like the eight before them at most 3 % are told otherwise."""
    rng = random.Random(11)
    draw: Callable[[], float] = lambda: _rate(rng, base, spread)  # noqa: E731
    told = 0
    for _ in range(400):
        earlier = baseline([draw() for _ in EIGHT], part, whole)
        judged = {whole: 3000, part: round(3000 * draw())}
        told += bool(alarms(changes(judged, [earlier])))

    assert told <= 12
