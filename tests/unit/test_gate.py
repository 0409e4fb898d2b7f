"""The gate and the rate that it learns: pure, on a clock of the test's own."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import pytest

from cxtools.api.gate import CREDIT_S, Gate


def test_reserved_moments_keep_the_configured_rate() -> None:
    """150 of them at 50 per second span 149/50 s, whoever asks, however often."""
    gate = Gate(rate_per_s=50.0)
    moments = [gate.reserve(10.0) for _ in range(150)]

    assert pytest.approx([10.0 + n / 50 for n in range(150)]) == moments


def test_a_pause_of_ours_does_not_earn_a_burst() -> None:
    """After an idle minute the next moments are spaced again, but for a credit of 0.05 s."""
    gate = Gate(rate_per_s=50.0)
    gate.reserve(0.0)
    moments = [gate.reserve(60.0) for _ in range(10)]

    assert moments[-1] >= 60.0 + 9 / 50 - CREDIT_S - 1e-9


def test_a_moment_that_would_come_too_late_is_not_taken() -> None:
    """Those who can't wait so long leave it to those who can."""
    gate = Gate(rate_per_s=0.1)
    asked = [(0.0, 5.0), (0.0, 5.0), (1.0, 6.0), (2.0, 60.0)]
    moments = [gate.reserve(now, by) for now, by in asked]

    assert [0.0, 10.0, 10.0, 10.0] == moments
    assert 20.0 == gate.reserve(3.0)


def test_one_429_shuts_the_gate_for_everybody() -> None:
    """Nobody may send before the server's pause is over, also not the thread that asks first."""
    gate = Gate()
    assert 5.0 == gate.reserve(5.0)
    gate.shut(5.0, 3.0, sent_at=5.0)

    assert 8.0 <= min(gate.reserve(5.1) for _ in range(16))


def test_threads_that_wake_up_late_do_not_leave_all_at_once() -> None:
    """
    Sixteen have their moments within 0.16 s, and the machine stands still for a second: those of
    0.05 s leave together, the others as far apart as the rate says.
    """
    gate = Gate(rate_per_s=100.0)
    for _ in range(16):
        gate.reserve(0.0)
    left = []
    now = 1.0
    for _ in range(16):
        now += gate.late_wait_s(now)
        gate.leave(now)
        left.append(round(now, 3))

    assert [1.0] * 6 == left[:6]
    assert [round(1.0 + number / 100, 3) for number in range(1, 11)] == left[6:]


def test_who_is_on_time_waits_for_nobody() -> None:
    """Requests that leave at their moments are not held up, whatever the rate is."""
    for rate in (1.0, 7.0, 100.0, 999.0):
        gate = Gate(rate_per_s=rate)
        for _ in range(200):
            moment = gate.reserve(0.0)
            assert 0.0 == gate.late_wait_s(moment)
            gate.leave(moment)


def test_a_server_that_refuses_bursts_is_sent_smaller_ones() -> None:
    """After two 429s those who woke up late may catch up a quarter as much."""
    gate = Gate()
    for second in (1.0, 3.0):
        gate.reserve(second)
        gate.shut(second, 1.0, sent_at=second)
    gate.shut(3.001, 1.0, sent_at=2.99)

    assert CREDIT_S / 4 == gate.credit_s


def gate_after(refusals: int) -> Gate:
    """A gate that saw a hundred answers, and then a volley of so many 429s."""
    gate = Gate()
    gate.reserve(0.0)
    for _ in range(100):
        gate.count_answer()
    for n in range(refusals):
        gate.shut(1.0 + n / 1000, 1.0, sent_at=0.99)
    return gate


def test_the_429s_of_one_volley_count_once() -> None:
    """Sixteen threads that were under way together teach the gate one lesson, not sixteen."""
    assert gate_after(1).server.per_s(2.0) == gate_after(16).server.per_s(2.0)


# --- against limiters ---

#: What a limiter does with a request that comes at a moment: 0 when it is taken, else Retry-After.
#: Moments only grow; Retry-After is in whole seconds, as most servers send it.
Limiter = Callable[[float], int]


def token_bucket(rate: float, burst: float) -> Limiter:
    level = burst
    last_at = 0.0

    def refused_s(now: float) -> int:
        nonlocal level, last_at
        level = min(burst, level + (now - last_at) * rate)
        last_at = now
        if level < 1:
            return math.ceil((1 - level) / rate)
        level -= 1
        return 0

    return refused_s


def fixed_window(rate: float, width_s: float) -> Limiter:
    """The other common limiter: a count that starts anew every *width_s*."""
    window = -1
    count = 0

    def refused_s(now: float) -> int:
        nonlocal window, count
        if int(now / width_s) != window:
            window = int(now / width_s)
            count = 0
        count += 1
        if count <= rate * width_s:
            return 0
        return max(1, math.ceil((window + 1) * width_s - now))

    return refused_s


class Run(NamedTuple):
    took_s: float
    refused: int


def run(
    gate: Gate,
    refused_s: Limiter,
    requests: int,
    *,
    workers: int = 16,
    latency_s: float = 0.02,
) -> Run:
    """
    How long *workers* threads take until so many requests were accepted, and how many were refused.

    Time is the heap's. Each thread wants to send, reserves a moment, leaves then (or reserves anew
    when the gate was shut meanwhile), and comes back with its answer.
    """
    order = itertools.count()
    threads = [(0.0, next(order), "wants", 0.0) for _ in range(workers)]
    accepted = 0
    refused = 0
    now = 0.0
    while accepted < requests:
        now, _, state, sent_at = heapq.heappop(threads)
        if state == "returns":
            wait_s = refused_s(now)
            if wait_s:
                refused += 1
                gate.shut(now, wait_s, sent_at=sent_at)
            else:
                accepted += 1
                gate.count_answer()
            heapq.heappush(threads, (now, next(order), "wants", 0.0))
        elif state == "leaves" and now >= gate.shut_until:
            late_s = gate.late_wait_s(now)
            if late_s:
                heapq.heappush(threads, (now + late_s, next(order), "leaves", 0.0))
            else:
                gate.leave(now)
                heapq.heappush(threads, (now + latency_s, next(order), "returns", now))
        else:
            heapq.heappush(threads, (gate.reserve(now), next(order), "leaves", 0.0))
    return Run(now, refused)


LIMITERS = {
    # name                  limiter                rate
    "bucket-200": (lambda: token_bucket(200, 200), 200),
    "bucket-200-burst-50": (lambda: token_bucket(200, 50), 200),
    "bucket-200-burst-10": (lambda: token_bucket(200, 10), 200),
    "bucket-50-burst-1": (lambda: token_bucket(50, 1), 50),
    "bucket-500": (lambda: token_bucket(500, 500), 500),
    "bucket-20": (lambda: token_bucket(20, 20), 20),
    "window-200": (lambda: fixed_window(200, 1), 200),
    "window-50": (lambda: fixed_window(50, 1), 50),
    "minute": (lambda: fixed_window(100, 60), 100),
}


@pytest.mark.parametrize(("limiter", "rate"), LIMITERS.values(), ids=LIMITERS)
def test_a_server_limit_that_nobody_told_us_costs_little(
    limiter: Callable[[], Limiter], rate: float
) -> None:
    """
    10,000 requests take at most 1.2 times what the limit allows at best, and at most one in two
    hundred is refused.
    """
    took_s, refused = run(Gate(), limiter(), 10_000)

    assert took_s <= 1.2 * 10_000 / rate
    assert refused <= 50


#: Limiters of 100 requests per second, and how much longer than at best 1,000 requests may take.
HUNDREDS = {
    "bucket": (lambda: token_bucket(100, 100), 1.02),
    "bucket-burst-50": (lambda: token_bucket(100, 50), 1.15),
    "bucket-burst-20": (lambda: token_bucket(100, 20), 1.22),
    "bucket-burst-10": (lambda: token_bucket(100, 10), 1.25),
    "window": (lambda: fixed_window(100, 1), 1.28),
}


@pytest.mark.parametrize("latency_s", [0.002, 0.02, 0.1])
@pytest.mark.parametrize(("limiter", "at_most"), HUNDREDS.values(), ids=HUNDREDS)
def test_a_limit_of_a_hundred_is_learned_within_a_thousand_requests(
    limiter: Callable[[], Limiter], at_most: float, latency_s: float
) -> None:
    """They take at most a quarter more than ten seconds, and three in a hundred are refused."""
    took_s, refused = run(Gate(), limiter(), 1_000, latency_s=latency_s)

    assert took_s <= at_most * 1_000 / 100
    assert refused <= 30


def test_a_limit_that_is_lifted_is_found_out() -> None:
    """
    20 requests per second for half a minute, then 200: of 5,000, more than 4,000 go out in the
    seventy seconds after that.
    """
    slow, fast = token_bucket(20, 20), token_bucket(200, 200)
    took_s, refused = run(Gate(), lambda now: slow(now) if now < 30 else fast(now), 5_000)

    assert took_s <= 100
    assert refused <= 20


@pytest.mark.parametrize("latency_s", [0.002, 0.02])
@pytest.mark.parametrize(
    "limiter",
    [lambda: token_bucket(20, 20), lambda: token_bucket(20, 1), lambda: fixed_window(20, 1)],
    ids=["bucket", "no-burst", "window"],
)
def test_the_first_429_meets_few_that_are_under_way(
    limiter: Callable[[], Limiter], latency_s: float
) -> None:
    """At 20 requests per second, at most 10 of the first 200 of sixteen threads are refused."""
    assert run(Gate(), limiter(), 200, latency_s=latency_s).refused <= 10


@pytest.mark.parametrize("latency_s", [0.005, 0.02, 0.1])
def test_the_soft_start_costs_next_to_nothing(latency_s: float) -> None:
    """
    Without a limit, a thousand requests take at most 0.45 s longer than sixteen threads take at
    best.
    """
    took_s, _ = run(Gate(), lambda now: 0, 1_000, latency_s=latency_s)

    assert took_s <= 1_000 * latency_s / 16 + latency_s + 0.45
