"""
Waiting: Retry-After, backoff, a rate that is configured or learned, and the circuit breaker.
"""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from cxtools.errors import (
    RateLimited,
    ServerFault,
)
from tests.contract.api import (
    ACCEPTED,
    ADDRESS,
    CALLS,
    CLEAR,
    EVENTS,
    JOB,
    MESSAGES,
    QUEUED,
    SUPPRESSIONS,
    TOKEN,
    Clock,
    new_client,
    timed,
    token,
)
from tests.fault_server import FaultServer, Reply, Seen, Step

#: What arrives so soon after a 429 was under way already.
UNDER_WAY_S = 0.2


@pytest.mark.parametrize(
    ("header", "waits_s"),
    [("3", [3, 3, 3, 3, 3]), ("Thu, 01 Jan 1970 00:00:03 GMT", [3, 3, 3, 3, 3])],
    ids=["seconds", "date"],
)
def test_F06_F07_F09_a_429_waits_once_and_uses_up_nothing(
    server: FaultServer, header: str, waits_s: list[float]
) -> None:
    """
    F06, F07, F09: five 429s in a row cost five times what the server asked, by its own clock, and
    no attempt.
    """
    limited = Reply(429, headers={"Retry-After": header, "Date": "Thu, 01 Jan 1970 00:00:00 GMT"})
    server.script(JOB, *5 * [limited], Reply(200, {"jobId": "j1", "status": "completed"}))
    clock = Clock()
    client = new_client(server, clock)

    assert client.fetch_job("j1").final
    assert pytest.approx(waits_s) == clock.waits_s
    assert (5, 0) == (client.counters.throttled, client.counters.retries)


def test_F05_server_failures_wait_longer_and_longer(server: FaultServer) -> None:
    """F05: growing pauses with jitter, until patience is over."""
    server.script(JOB, Reply(503))
    clock = Clock()
    with pytest.raises(ServerFault, match="given up after"):
        new_client(server, clock, patience_s=10.0).fetch_job("j1")

    assert 4 <= len(clock.waits_s) <= 7
    for n, wait_s in enumerate(clock.waits_s):
        assert 0.125 * 2**n <= wait_s <= 0.25 * 2**n
    assert clock.at <= 1010.0


def test_patience_ends_before_a_long_retry_after(server: FaultServer) -> None:
    """A server that asks for an hour gets no other request meanwhile, and we don't sit it out."""
    server.script(SUPPRESSIONS, Reply(429, headers={"Retry-After": "3600"}))
    client = new_client(server)
    hints_s = []
    for _ in range(3):
        with pytest.raises(RateLimited) as raised:
            client.fetch_suppression(ADDRESS)
        hints_s.append(raised.value.retry_after_s)

    assert 1 == len(server.asked(SUPPRESSIONS))
    assert [pytest.approx(3600, abs=5)] * 3 == hints_s


def test_a_429_holds_back_every_thread(server: FaultServer) -> None:
    """One thread hears "wait a second"; none of the eight sends before it is over."""
    server.script(SUPPRESSIONS, *20 * [CLEAR], Reply(429, headers={"Retry-After": "1"}), CLEAR)
    client = new_client(server)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(client.fetch_suppression, 60 * [ADDRESS]))
    moments = [seen.at for seen in server.asked(SUPPRESSIONS)]
    limited_at = moments[20]
    later = [at for at in moments if at > limited_at + UNDER_WAY_S]

    assert limited_at + 1.0 <= later[0]
    assert 1 == client.counters.throttled


class Refusal(NamedTuple):
    """A 429: when, and how many seconds it asked to wait."""

    at: float
    wait_s: int


class Limiter:
    """A token bucket for all endpoints together."""

    def __init__(self, rate: float, burst: float) -> None:
        self.refusals: list[Refusal] = []
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._last_at = time.monotonic()
        self._lock = threading.Lock()

    def limited(self, reply: Reply) -> Step:
        """An endpoint that answers so, or with a 429."""

        def step(_seen: Seen) -> Reply:
            time.sleep(0.02)
            with self._lock:
                wait_s = self._take(time.monotonic())
            return Reply(429, headers={"Retry-After": str(wait_s)}) if wait_s else reply

        return step

    def _take(self, now: float) -> int:
        refilled = (now - self._last_at) * self._rate
        self._level = min(self._burst, self._level + refilled)
        self._last_at = now
        if self._level >= 1:
            self._level -= 1
            return 0
        wait_s = math.ceil((1 - self._level) / self._rate)
        self.refusals.append(Refusal(now, wait_s))
        return wait_s


@pytest.mark.parametrize(("rate", "needed"), [(20, 200), (100, 500)])
def test_a_429_storm_is_not_made_worse(server: FaultServer, rate: int, needed: int) -> None:
    """
    Sixteen threads check, submit, poll and read events ten times faster than the server allows: few
    tries in vain, none too early.
    """
    limiter = Limiter(rate, burst=rate)
    replies = {
        SUPPRESSIONS: CLEAR,
        MESSAGES: ACCEPTED,
        JOB: QUEUED,
        EVENTS: Reply(200, {"results": []}),
    }
    for request, reply in replies.items():
        server.script(request, limiter.limited(reply))
    client = new_client(server, patience_s=60.0)

    requests = needed // 4 * list(replies)

    def call(request: str) -> None:
        while getattr(CALLS[request](client), "kind", "") == "limited":
            pass

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(call, requests))
    moments = [seen.at for seen in server.seen if f"{seen.method} {seen.path}" in replies]

    assert len(limiter.refusals) > 0
    assert len(moments) <= 1.1 * needed
    for at, wait_s in limiter.refusals:
        assert [] == [moment for moment in moments if at + UNDER_WAY_S < moment < at + wait_s]


def test_a_sign_in_waits_out_a_retry_after_beyond_its_call(server: FaultServer) -> None:
    """Limited for an hour: later calls hear the same, and the server isn't asked again."""
    server.script(TOKEN, Reply(429, headers={"Retry-After": "3600"}))
    clock = Clock()
    client = new_client(server, clock)
    ended = []
    for _ in range(3):
        ended.append(timed(CALLS[JOB], client).word)
        clock.at += 60
    asked = len(server.asked(TOKEN))
    clock.at += 3600
    server.script(TOKEN, token())
    server.script(JOB, QUEUED)

    assert (3 * ["RateLimited"], 1) == (ended, asked)
    assert "queued" == client.fetch_job("j1").status


def test_the_configured_rate_holds_for_all_threads_together(server: FaultServer) -> None:
    """Eight threads at 50 per second: sixty requests take 1.2 seconds."""
    server.script(SUPPRESSIONS, CLEAR)
    client = new_client(server, requests_per_s=50.0)
    client.fetch_suppression(ADDRESS)
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(client.fetch_suppression, 60 * [ADDRESS]))

    assert 1.1 <= time.monotonic() - started


def test_an_outage_is_met_with_few_probes(server: FaultServer) -> None:
    """
    Sixteen threads, three seconds of nothing but 503: the breaker leaves a handful of requests;
    then it says why.
    """
    server.script(SUPPRESSIONS, Reply(503))
    client = new_client(server, patience_s=3.0)
    with ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(client.fetch_suppression, ADDRESS) for _ in range(16)]
        errors = [call.exception() for call in calls]

    texts = [str(error) for error in errors]
    assert {ServerFault} == {type(error) for error in errors}
    assert [text for text in texts if "circuit breaker" in text and "status 503" in text]
    assert len(server.asked(SUPPRESSIONS)) <= 48


def test_a_probe_that_is_not_sent_is_left_to_others(server: FaultServer) -> None:
    """
    The breaker's only probe falls to a submit whose claim has ended: the next caller probes, and
    waits for nobody.
    """
    over: list[bool] = []
    server.script(SUPPRESSIONS, lambda seen: CLEAR if over else Reply(503))
    clock = Clock()
    client = new_client(server, clock, patience_s=30.0)
    ended = [timed(CALLS[SUPPRESSIONS], client).word for _ in range(3)]
    over.append(True)
    clock.at += 10
    late = client.submit(b"{}", idempotency_key="k", leave_by=clock.at)

    assert (3 * ["ServerFault"], "not_sent") == (ended, late.kind)
    waited = len(clock.waits_s)
    assert client.fetch_suppression(ADDRESS) is None
    assert [] == clock.waits_s[waited:]


def test_the_outage_ends_and_everybody_goes_on(server: FaultServer) -> None:
    """After the breaker opened, one good probe is enough."""
    over = time.monotonic() + 2.0
    server.script(SUPPRESSIONS, lambda seen: CLEAR if seen.at > over else Reply(503))
    with ThreadPoolExecutor(16) as pool:
        assert {None} == set(pool.map(new_client(server).fetch_suppression, 64 * [ADDRESS]))

    assert len([seen for seen in server.asked(SUPPRESSIONS) if seen.at <= over]) <= 32
