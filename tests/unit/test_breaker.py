"""The circuit breaker: pure, on a clock of the test's own."""

from __future__ import annotations

import random

import pytest

from cxtools.api.breaker import LOOK_S, THRESHOLD, Breaker


def broken(now: float = 0.0) -> Breaker:
    """A breaker that has just opened."""
    breaker = Breaker()
    for _ in range(THRESHOLD):
        breaker.record(False, now)
    return breaker


def test_the_breaker_opens_after_failures_in_a_row() -> None:
    """One success in between and it stays closed."""
    breaker = Breaker()
    for _ in range(5):
        for _ in range(THRESHOLD - 1):
            breaker.record(False, 0.0)
        breaker.record(True, 0.0)

    assert breaker.closed
    assert not broken().closed


def test_an_open_breaker_lets_exactly_one_probe_through() -> None:
    """
    Of sixteen threads that ask when the pause is over, one may send; the others look again shortly.
    """
    breaker = broken(now=0.0)

    assert 0.25 == breaker.wait_s(0.25)
    assert [0.0] + 15 * [LOOK_S] == [breaker.wait_s(0.5) for _ in range(16)]


def test_a_good_probe_closes_and_a_bad_one_doubles_the_pause() -> None:
    """0.5, 1, 2, 4 and then always 5 s; one success and everybody sends."""
    breaker = broken()
    now = 0.0
    pauses_s = []
    for _ in range(6):
        pauses_s.append(breaker.wait_s(now))
        now += pauses_s[-1]
        breaker.wait_s(now)
        breaker.record(False, now)
    now += breaker.wait_s(now)
    breaker.wait_s(now)
    breaker.record(True, now)

    assert [0.5, 1.0, 2.0, 4.0, 5.0, 5.0] == pauses_s
    assert 16 * [0.0] == [breaker.wait_s(now) for _ in range(16)]


def test_a_probe_that_never_comes_back_is_replaced() -> None:
    """A thread can die with the probe; after a minute another one probes."""
    breaker = broken()

    assert 0.0 == breaker.wait_s(0.5)
    assert 0.0 < breaker.wait_s(60.4)
    assert 0.0 == breaker.wait_s(60.5)


def test_a_probe_that_is_not_sent_goes_to_the_next() -> None:
    """
    Given back, it is granted anew at once; giving back a turn of another moment changes nothing.
    """
    breaker = broken()
    breaker.wait_s(0.5)
    breaker.release(0.4)
    waits_s = [breaker.wait_s(0.6)]
    breaker.release(0.5)

    assert [LOOK_S, 0.0, LOOK_S] == [
        *waits_s,
        breaker.wait_s(0.7),
        breaker.wait_s(0.7),
    ]


def test_late_failures_of_the_same_volley_do_not_lengthen_the_pause() -> None:
    """Those who were under way when it opened report later; that is no news."""
    breaker = broken(now=0.0)
    for n in range(6):
        breaker.record(False, 0.05 * n)

    assert pytest.approx(0.25) == breaker.wait_s(0.25)


def test_I01_scattered_failures_never_open_the_breaker() -> None:
    """I01: with one request in ten failing at random, a hundred thousand requests pass."""
    breaker = Breaker()
    dice = random.Random(7)
    for n in range(100_000):
        breaker.record(dice.random() > 0.1, float(n))
        assert breaker.closed
