"""
Pacing, backoff, Retry-After, circuit breaker and retry budget: pure, on a clock of the test's own.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxtools.api.pace import (
    Breaker,
    Budget,
    Done,
    Gate,
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
def test_backoff_doubles_up_to_a_cap_with_jitter(attempt):
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
def test_F07_retry_after_is_read_in_both_forms(header, date, expected):
    """
    F07: seconds or an HTTP date, the date by the server's own clock; nonsense counts as none, not
    as zero.
    """
    assert expected == retry_after_s(header, NOON, date=date)


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_retry_after_breaks_the_client(header, date):
    """Whatever a server sends, the result is a number of seconds or None."""
    found = retry_after_s(header, NOON, date=date)

    assert found is None or 0 <= found < math.inf


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
        (429, 0, 101.0, True, GiveUp("1 tries; the next one, in 101 s, would come too late")),
        (500, 0, None, True, Wait(0.1875)),
        (501, 0, None, True, Done()),
        (503, 0, 7.0, True, Wait(7.0)),
        (503, 5, 1.0, True, Wait(6.0)),  # never earlier than the own backoff
        (505, 0, None, True, Done()),
        (599, 9, None, True, Wait(15.0)),
        (None, 1, None, True, Wait(0.375)),
        (None, 0, 900.0, True, GiveUp("1 tries; the next one, in 900 s, would come too late")),
    ],
)
def test_what_to_do_after_an_answer(status, attempt, hint_s, readable, expected):
    """One row per kind of answer; the deadline is 100 s away."""
    assert expected == next_step(
        status, attempt, hint_s=hint_s, now=50.0, deadline=150.0, rng=Half(), readable=readable
    )


# --- the gate ---


def test_tickets_keep_the_configured_rate():
    """150 tickets at 50 per second span 149/50 s, whoever asks, however often."""
    gate = Gate(rate_per_s=50.0)
    tickets = [gate.ticket(10.0) for _ in range(150)]

    assert pytest.approx([10.0 + n / 50 for n in range(150)]) == tickets


def test_a_pause_of_ours_does_not_earn_a_burst():
    """After an idle minute the next tickets are spaced again, but for a credit of 0.05 s."""
    gate = Gate(rate_per_s=50.0)
    gate.ticket(0.0)
    tickets = [gate.ticket(60.0) for _ in range(10)]

    assert tickets[-1] >= 60.0 + 9 / 50 - Gate.CREDIT_S - 1e-9


def test_a_ticket_that_would_come_too_late_is_not_taken():
    """Those who can't wait so long leave it to those who can."""
    gate = Gate(rate_per_s=0.1)
    tickets = [
        gate.ticket(now, by) for now, by in [(0.0, 5.0), (0.0, 5.0), (1.0, 6.0), (2.0, 60.0)]
    ]

    assert [0.0, 10.0, 10.0, 10.0] == tickets
    assert 20.0 == gate.ticket(3.0)


def test_one_429_shuts_the_gate_for_everybody():
    """
    Nobody gets a ticket before the server's wish is over, also not the thread that asks first.
    """
    gate = Gate()
    assert 5.0 == gate.ticket(5.0)
    gate.shut(5.0, 3.0, sent_at=5.0)

    assert 8.0 <= min(gate.ticket(5.1) for _ in range(16))


def test_the_429s_of_one_volley_count_once():
    """Sixteen threads that were under way together teach the gate one lesson, not sixteen."""
    one, volley = Gate(), Gate()
    for gate, refusals in ((one, 1), (volley, 16)):
        gate.ticket(0.0)
        for _ in range(100):
            gate.passed()
        for n in range(refusals):
            gate.shut(1.0 + n / 1000, 1.0, sent_at=0.99)

    assert one.learned_per_s(2.0) == volley.learned_per_s(2.0)


def token_bucket(rate, burst):
    """Retry-After or 0, for requests at growing moments; whole seconds, as most servers send."""
    level, at = burst, 0.0

    def refused_s(now):
        nonlocal level, at
        level, at = min(burst, level + (now - at) * rate), now
        if level >= 1:
            level -= 1
            return 0
        return math.ceil((1 - level) / rate)

    return refused_s


def fixed_window(rate, width_s):
    """The other common limiter: a count that starts anew every *width_s*."""
    window, count = -1, 0

    def refused_s(now):
        nonlocal window, count
        if int(now / width_s) != window:
            window, count = int(now / width_s), 0
        count += 1
        return 0 if count <= rate * width_s else max(1, math.ceil((window + 1) * width_s - now))

    return refused_s


def campaign_s(gate, refused_s, requests, workers=16, latency_s=0.02):
    """
    How long *workers* threads take for *requests* accepted requests; and how many were refused.
    Time is the heap's.
    """
    order, accepted, refused, ended = itertools.count(), 0, 0, 0.0
    moments = [(0.0, next(order), "wants", 0.0) for _ in range(workers)]
    while accepted < requests:
        now, _, state, sent_at = heapq.heappop(moments)
        if state == "wants" or (state == "leaves" and now < gate.shut_until):
            heapq.heappush(moments, (gate.ticket(now), next(order), "leaves", 0.0))
        elif state == "leaves":
            heapq.heappush(moments, (now + latency_s, next(order), "returns", now))
        else:
            wait_s = refused_s(now)
            accepted, refused, ended = accepted + (not wait_s), refused + bool(wait_s), now
            gate.shut(now, wait_s, sent_at=sent_at) if wait_s else gate.passed()
            heapq.heappush(moments, (now, next(order), "wants", 0.0))
    return ended, refused


@pytest.mark.parametrize(
    ("limiter", "rate"),
    [
        (token_bucket(200, 200), 200),
        (token_bucket(200, 50), 200),
        (token_bucket(200, 10), 200),
        (token_bucket(50, 1), 50),
        (token_bucket(500, 500), 500),
        (token_bucket(20, 20), 20),
        (fixed_window(200, 1), 200),
        (fixed_window(50, 1), 50),
        (fixed_window(100, 60), 100),
    ],
    ids=[
        "bucket-200",
        "bucket-200-burst-50",
        "bucket-200-burst-10",
        "bucket-50-burst-1",
        "bucket-500",
        "bucket-20",
        "window-200",
        "window-50",
        "minute",
    ],
)
def test_a_server_limit_that_nobody_told_us_costs_little(limiter, rate):
    """
    10,000 requests take at most 1.3 times what the limit allows at best, and at most one in fifty
    is refused.
    """
    took_s, refused = campaign_s(Gate(), limiter, 10_000)

    assert took_s <= 1.3 * 10_000 / rate
    assert refused <= 200


@pytest.mark.parametrize("latency_s", [0.002, 0.02])
@pytest.mark.parametrize(
    "limiter",
    [lambda: token_bucket(20, 20), lambda: token_bucket(20, 1), lambda: fixed_window(20, 1)],
    ids=["bucket", "no-burst", "window"],
)
def test_the_first_429_meets_few_that_are_under_way(limiter, latency_s):
    """At 20 requests per second, at most 10 of the first 200 of sixteen threads are refused."""
    assert campaign_s(Gate(), limiter(), 200, latency_s=latency_s)[1] <= 10


@pytest.mark.parametrize("latency_s", [0.005, 0.02, 0.1])
def test_the_soft_start_costs_next_to_nothing(latency_s):
    """
    Without a limit, a thousand requests take at most 0.45 s longer than sixteen threads take at
    best.
    """
    took_s, _ = campaign_s(Gate(), lambda now: 0, 1_000, latency_s=latency_s)

    assert took_s <= 1_000 * latency_s / 16 + latency_s + 0.45


# --- the breaker ---


def broken(now=0.0):
    breaker = Breaker()
    for _ in range(Breaker.THRESHOLD):
        breaker.record(False, now)
    return breaker


def test_the_breaker_opens_after_failures_in_a_row():
    """One success in between and it stays closed."""
    breaker = Breaker()
    for _ in range(5):
        for _ in range(Breaker.THRESHOLD - 1):
            breaker.record(False, 0.0)
        breaker.record(True, 0.0)

    assert breaker.closed
    assert not broken().closed


def test_an_open_breaker_lets_exactly_one_probe_through():
    """
    Of sixteen threads that ask when the pause is over, one may send; the others look again shortly.
    """
    breaker = broken(now=0.0)

    assert 0.25 == breaker.wait_s(0.25)
    assert [0.0] + 15 * [Breaker.LOOK_S] == [breaker.wait_s(0.5) for _ in range(16)]


def test_a_good_probe_closes_and_a_bad_one_doubles_the_pause():
    """0.5, 1, 2, 4 and then always 5 s; one success and everybody sends."""
    breaker, now, pauses_s = broken(), 0.0, []
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


def test_a_probe_that_never_comes_back_is_replaced():
    """A thread can die with the probe; after a minute another one probes."""
    breaker = broken()

    assert 0.0 == breaker.wait_s(0.5)
    assert 0.0 < breaker.wait_s(60.4)
    assert 0.0 == breaker.wait_s(60.5)


def test_a_probe_that_is_not_sent_goes_to_the_next():
    """
    Given back, it is granted anew at once; giving back a turn of another moment changes nothing.
    """
    breaker = broken()
    breaker.wait_s(0.5)
    breaker.release(0.4)
    waits_s = [breaker.wait_s(0.6)]
    breaker.release(0.5)

    assert [Breaker.LOOK_S, 0.0, Breaker.LOOK_S] == [
        *waits_s,
        breaker.wait_s(0.7),
        breaker.wait_s(0.7),
    ]


def test_late_failures_of_the_same_volley_do_not_lengthen_the_pause():
    """Those who were under way when it opened report later; that is no news."""
    breaker = broken(now=0.0)
    for n in range(6):
        breaker.record(False, 0.05 * n)

    assert pytest.approx(0.25) == breaker.wait_s(0.25)


def test_I01_scattered_failures_never_open_the_breaker():
    """I01: with one request in ten failing at random, a hundred thousand requests pass."""
    breaker, dice = Breaker(), random.Random(7)
    for n in range(100_000):
        breaker.record(dice.random() > 0.1, float(n))
        assert breaker.closed


# --- the budget ---


def test_retries_stay_a_small_share_of_the_load():
    """
    At 1000 answered requests per second, half of which want a retry at once, retries are held to a
    tenth and 5 per second.
    """
    budget, delayed = Budget(), 0
    for n in range(10_000):
        budget.answered()
        delayed += n % 2 == 0 and budget.wait_s(n / 1000) > 0

    assert 5000 - delayed <= Budget.STOCK + 0.1 * 10_000 + 10 * Budget.PER_S


def test_a_few_retries_cost_no_wait():
    """One failure in twenty is within the budget for ever."""
    budget = Budget()
    waits_s = []
    for n in range(10_000):
        budget.answered()
        if n % 20 == 0:
            waits_s.append(budget.wait_s(0.0))

    assert {0.0} == set(waits_s)
