"""
Backoff, Retry-After, what to do after an answer, and the budget of retries: pure, on a clock of the
test's own.
"""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxtools.api.backoff import (
    REFILL_PER_S,
    STOCK,
    Budget,
    Done,
    GiveUp,
    Wait,
    backoff_s,
    next_step,
    retry_after_s,
)


class Half(random.Random):
    """Dice that always fall in the middle: backoff is 3/4 of its full length."""

    def random(self) -> float:
        return 0.5


# --- backoff ---


@pytest.mark.parametrize("attempt", range(12))
def test_backoff_doubles_up_to_a_cap_with_jitter(attempt: int) -> None:
    """F05: between half and the whole of 0.25 s, doubled for each attempt, at most 20 s."""
    full_s = min(20.0, 0.25 * 2**attempt)
    waits_s = [backoff_s(attempt, rng=random.Random(seed)) for seed in range(200)]

    assert full_s / 2 <= min(waits_s) < 0.6 * full_s
    assert 0.9 * full_s < max(waits_s) <= full_s


# --- Retry-After ---

NOON = 1792497600.0  # 2026-10-20 12:00:00 UTC


@pytest.mark.parametrize(
    ("header", "date", "expected"),
    [
        ("7", None, 7.0),
        (" 120 ", None, 120.0),
        ("1.5", None, 1.5),
        ("0", None, 0.0),
        ("Tue, 20 Oct 2026 12:00:30 GMT", None, 30.0),
        ("Tuesday, 20-Oct-26 12:00:30 GMT", None, 30.0),  # RFC 850
        ("Tue Oct 20 12:00:30 2026", None, 30.0),  # asctime
        ("Tue, 20 Oct 2026 11:59:00 GMT", None, 0.0),  # past
        (
            "Tue, 20 Oct 2026 13:00:30 GMT",
            "Tue, 20 Oct 2026 13:00:00 GMT",
            30.0,
        ),  # the server's clock is an hour ahead of ours
        ("Tue, 20 Oct 2026 12:00:30 GMT", "nonsense", 30.0),
        (None, None, None),
        ("", None, None),
        ("soon", None, None),
        ("-3", None, None),
        ("nan", None, None),
        ("inf", None, None),
        ("1.2.3", None, None),
        ("²", None, None),
        (".", None, None),
        ("9" * 400, None, None),
        ("Tue, 99 Oct 2026 12:00:30 GMT", None, None),
    ],
)
def test_F07_retry_after_is_read_in_both_forms(
    header: str | None, date: str | None, expected: float | None
) -> None:
    """
    F07: seconds or an HTTP date, the date by the server's own clock; nonsense counts as none, not
    as zero.
    """
    assert expected == retry_after_s(header, NOON, date=date)


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_retry_after_breaks_the_client(header: str | None, date: str | None) -> None:
    """Whatever a server sends, the result is a number of seconds or None."""
    wait_s = retry_after_s(header, NOON, date=date)

    assert wait_s is None or 0 <= wait_s < math.inf


# --- decisions ---


@pytest.mark.parametrize(
    ("status", "attempt", "hint_s", "readable", "expected"),
    [
        # status attempt hint readable
        (200, 0, None, True, Done()),
        (204, 0, None, True, Done()),
        (200, 0, None, False, Wait(0.1875)),  # a 2xx that can't be read: a proxy's page
        (200, 2, None, False, Done()),  # ... which stays
        (302, 0, None, True, Done()),
        (400, 0, None, True, Done()),
        (401, 0, None, True, Done()),
        (403, 0, None, True, Done()),
        (404, 0, None, True, Done()),
        (408, 0, None, True, Wait(0.1875)),
        (429, 0, 7.0, True, Wait(7.0)),  # F06: what the server asks, and nothing on top
        (429, 3, None, True, Wait(1.5)),
        (429, 0, 0.0, True, Wait(0.1875)),  # "at once" would be a hot loop
        (429, 0, 101.0, True, GiveUp("1 try; the next one, in 101 s, would come too late")),
        (500, 0, None, True, Wait(0.1875)),
        (501, 0, None, True, Done()),
        (503, 0, 7.0, True, Wait(7.0)),
        (503, 5, 1.0, True, Wait(6.0)),  # never earlier than the own backoff
        (505, 0, None, True, Done()),
        (599, 9, None, True, Wait(15.0)),
        (None, 1, None, True, Wait(0.375)),
        (None, 0, 900.0, True, GiveUp("1 try; the next one, in 900 s, would come too late")),
    ],
)
def test_what_to_do_after_an_answer(
    status: int | None, attempt: int, hint_s: float | None, readable: bool, expected: object
) -> None:
    """One row per kind of answer; the deadline is 100 s away."""
    assert expected == next_step(
        status, attempt, hint_s=hint_s, now=50.0, deadline=150.0, rng=Half(), readable=readable
    )


# --- the budget ---


def test_retries_stay_a_small_share_of_the_load() -> None:
    """
    At 1000 answered requests per second, half of which want a retry at once, retries are held to a
    tenth and 5 per second.
    """
    budget = Budget()
    waits_s = []
    for n in range(10_000):
        budget.refill()
        if n % 2 == 0:
            waits_s.append(budget.wait_s(n / 1000))

    assert waits_s.count(0.0) <= STOCK + 0.1 * 10_000 + 10 * REFILL_PER_S


def test_a_few_retries_cost_no_wait() -> None:
    """One failure in twenty is within the budget for ever."""
    budget = Budget()
    waits_s = []
    for n in range(10_000):
        budget.refill()
        if n % 20 == 0:
            waits_s.append(budget.wait_s(0.0))

    assert {0.0} == set(waits_s)
