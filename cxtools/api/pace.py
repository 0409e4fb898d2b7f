"""
When may the next request leave, and what after a failure: pacing, backoff, Retry-After, circuit
breaker, retry budget.

Pure: `now` (seconds of any one clock) and `rng` are arguments, and nobody sleeps here. Not tenacity
or stamina: their policies see one call at a time, but a 429 must hold back all threads, the budget
and the breaker belong to the process, and a 429 is no used-up attempt. Not a packaged breaker: at
half-open, purgatory and circuitbreaker let every thread through, and pybreaker holds its lock
during the call (16 threads of 50 ms: measured 0.82 s instead of 0.05 s).
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

BACKOFF_BASE_S, BACKOFF_CAP_S = 0.25, 20.0
#: Times a complete but unreadable 2xx answer is asked for again: a proxy's page may pass, a wrong
#: address won't.
UNREADABLE_TRIES = 3
#: 5xx that say "never": not implemented, HTTP version not supported.
FINAL_5XX = (501, 505)


def backoff_s(attempt: int, *, rng: random.Random) -> float:
    """
    Seconds to wait after failed attempt number *attempt* (from 0): doubling up to a cap, half of it
    by dice.

    >>> [round(backoff_s(n, rng=random.Random(1)), 2) for n in (0, 1, 2, 30)]
    [0.14, 0.28, 0.57, 11.34]
    """
    return min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2.0 ** min(attempt, 30)) * rng.uniform(0.5, 1)


def retry_after_s(header: str | None, now: float, *, date: str | None = None) -> float | None:
    """
    What a Retry-After asks for, in seconds from now; None when it is missing or nonsense.

    An HTTP date is read by the server's own clock, its `Date` header, where there is one; *now* is
    Unix time.

    >>> retry_after_s("120", 0)
    120.0
    >>> retry_after_s("Wed, 21 Oct 2026 07:28:00 GMT", 0, date="Wed, 21 Oct 2026 07:27:30 GMT")
    30.0
    """
    text = (header or "").strip()
    if len(text) < 16 and text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    until = _http_date(text)
    if until is None:
        return None
    server_now = _http_date((date or "").strip())
    return max(0.0, until - (now if server_now is None else server_now))


def _http_date(text: str) -> float | None:
    try:
        parsed = parsedate_to_datetime(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


@dataclass(frozen=True)
class Done:
    """The answer is final: read it."""


@dataclass(frozen=True)
class Wait:
    """Ask again after so many seconds; after a 429 that goes for every thread."""

    seconds: float


@dataclass(frozen=True)
class GiveUp:
    """Ask no more; `reason` completes the sentence "given up: ..."."""

    reason: str


def next_step(
    status: int | None,
    attempt: int,
    *,
    hint_s: float | None,
    now: float,
    deadline: float,
    rng: random.Random,
    readable: bool = True,
) -> Done | Wait | GiveUp:
    """
    What to do after an answer to a request that may be repeated.

    *status* is None when no complete answer came; *attempt* counts the earlier failures of the same
    sort (throttled ones apart, so that they use up nothing); *hint_s* is the server's Retry-After.

    >>> next_step(429, 0, hint_s=7, now=0, deadline=300, rng=random.Random(1))
    Wait(seconds=7)
    >>> next_step(404, 0, hint_s=None, now=0, deadline=300, rng=random.Random(1))
    Done()
    """
    if not _passing(status, readable) or (not readable and attempt + 1 >= UNREADABLE_TRIES):
        return Done()
    own_s = backoff_s(attempt, rng=rng)
    # The server's wish counts alone: waiting it *and* the own delay doubles it (defect F06). 0 is
    # no wish.
    wait_s = (hint_s or own_s) if status == 429 else max(hint_s or 0.0, own_s)
    if now + wait_s > deadline:
        return GiveUp(f"{attempt + 1} tries; the next one, in {wait_s:.0f} s, would come too late")
    return Wait(wait_s)


def _passing(status: int | None, readable: bool) -> bool:
    return (
        status is None
        or status in (408, 425, 429)
        or (status >= 500 and status not in FINAL_5XX)
        or (status < 300 and not readable)
    )


@dataclass
class Gate:
    """
    One gate for all threads of a process: each takes a ticket, which says when it may send.

    With `rate_per_s`, tickets are that far apart. Besides, the gate learns the server's own rate:
    but for a soft start, nothing limits until a 429 comes; then the truth lies between what was
    accepted per second with the pause counted in and without it. The learned rate starts at their
    geometric mean and follows a cubic back to just below the old peak, rests there, and tries
    beyond (as TCP CUBIC, and botocore's adaptive mode): within 1.3 x of the ideal for the limiters
    in the tests.

    >>> gate = Gate(rate_per_s=2.0)
    >>> [gate.ticket(100.0) for _ in range(3)]
    [100.0, 100.5, 101.0]
    """

    rate_per_s: float | None = None
    peak_per_s: float = 0.0
    swing_per_s: float = 0.0
    since: float = -math.inf
    accepted: int = 0
    next_at: float = -math.inf
    shut_until: float = -math.inf

    #: A late thread may catch up so many seconds' worth of tickets; the cubic takes so long back to
    #: its peak.
    CREDIT_S, RECOVERY_S = 0.05, 10.0
    #: The soft start: requests per second, and how many more with each that is accepted. Few are
    #: under way when the first 429
    #: comes (20/s, 20 ms, 16 threads: 8 of the first 200 are refused instead of 17); without a
    #: limit it costs 0.2 s, once.
    START_PER_S, RISE_PER_S = 100.0, 10.0

    def ticket(self, now: float, by: float = math.inf) -> float:
        """
        The moment at which the caller may send; it must look again then: the gate may have been
        shut. None is taken after *by*.
        """
        self.since = now if self.since == -math.inf else self.since
        pace_per_s = self.learned_per_s(now) or self.START_PER_S + self.RISE_PER_S * self.accepted
        earliest = now if self.next_at == -math.inf else max(self.next_at, now - self.CREDIT_S)
        at = max(earliest, self.shut_until)
        if at <= by:
            self.next_at = at + 1 / min(self.rate_per_s or math.inf, pace_per_s)
        return max(now, at)

    def learned_per_s(self, now: float) -> float | None:
        """Requests per second that the server seems to allow; None as long as nothing is known."""
        phase = max(0.0, now - self.since) / self.RECOVERY_S - 1
        return max(1.0, self.peak_per_s + self.swing_per_s * phase**3) if self.peak_per_s else None

    def passed(self) -> None:
        """A request was answered by something else than 429."""
        self.accepted += 1

    def shut(self, now: float, wait_s: float, *, sent_at: float) -> None:
        """
        A 429 came: nobody sends for *wait_s*. One that left before the gate was last shut tells
        nothing new.
        """
        if sent_at >= self.since:
            took_s = max(now - self.since, 0.02)
            high = self.learned_per_s(now) or max(self.accepted, 1) / took_s
            low = min(high, max(self.accepted, 1) / (took_s + wait_s))
            self.peak_per_s = max(0.9 * high, math.sqrt(low * high))
            self.swing_per_s = max(self.peak_per_s - math.sqrt(low * high), 0.1 * self.peak_per_s)
            self.since, self.accepted = now + wait_s, 0
        self.shut_until = max(self.shut_until, now + wait_s)


@dataclass
class Breaker:
    """
    Circuit breaker: after `THRESHOLD` failures in a row nobody sends, then exactly one probe at a
    time.

        closed     failures < THRESHOLD                   everybody sends
        open       now < opens_at                         nobody sends
        half-open  now >= opens_at                        one probe sends; its success closes, its
                                                          failure doubles the pause

    >>> breaker = Breaker()
    >>> for _ in range(Breaker.THRESHOLD): breaker.record(False, 0.0)
    >>> breaker.wait_s(0.0), breaker.wait_s(0.5), breaker.wait_s(0.5) > 0
    (0.5, 0.0, True)
    """

    failures: int = 0
    pause_s: float = 0.0
    opens_at: float = 0.0
    probe_until: float = 0.0

    #: More in a row than any scatter of single failures gives (1 % at random: once in 10**20
    #: requests).
    THRESHOLD = 10
    #: One probe in five seconds harms no server, and finds the end of an outage soon.
    FIRST_PAUSE_S, LAST_PAUSE_S = 0.5, 5.0
    #: How often those who wait look whether the probe is back, and how long a probe may stay away.
    LOOK_S, PROBE_S = 0.2, 60.0

    @property
    def closed(self) -> bool:
        return self.failures < self.THRESHOLD

    def wait_s(self, now: float) -> float:
        """
        0 when the caller may send now, perhaps as the probe, and must `record` what came; else
        seconds until it should ask again.
        """
        if self.closed:
            return 0.0
        if now < self.opens_at:
            return self.opens_at - now
        if now < self.probe_until:
            return self.LOOK_S
        self.probe_until = now + self.PROBE_S
        return 0.0

    def release(self, taken_at: float) -> None:
        """
        If the probe was granted at *taken_at* and is still out, it wasn't sent after all: the next
        may be it.
        """
        if self.probe_until == taken_at + self.PROBE_S:
            self.probe_until = 0.0

    def record(self, alive: bool, now: float) -> None:
        """*alive*: the server answered, and not with a 5xx."""
        if alive:
            self.failures, self.pause_s, self.probe_until = 0, 0.0, 0.0
            return
        self.failures += 1
        probe_failed = self.probe_until > 0 and now >= self.opens_at
        if self.failures == self.THRESHOLD or probe_failed:
            self.pause_s = min(self.LAST_PAUSE_S, 2 * self.pause_s or self.FIRST_PAUSE_S)
            self.opens_at, self.probe_until = now + self.pause_s, 0.0


@dataclass
class Budget:
    """
    Retries of a process: a stock, refilled by every answered request and slowly by time, so that
    retries can't become the load that keeps a server down. An empty stock delays a retry; it never
    fails one.

    >>> budget = Budget(stock=1)
    >>> budget.wait_s(0.0), budget.wait_s(0.0)
    (0.0, 0.2)
    """

    stock: float = 100.0
    refilled_at: float = -1.0

    STOCK, PER_ANSWER, PER_S = 100.0, 0.1, 5.0

    def answered(self) -> None:
        self.stock = min(self.STOCK, self.stock + self.PER_ANSWER)

    def wait_s(self, now: float) -> float:
        """
        Take one retry out of the stock; how long to wait for it. A debt makes the next ones wait
        longer.
        """
        if self.refilled_at >= 0:
            self.stock = min(self.STOCK, self.stock + max(0.0, now - self.refilled_at) * self.PER_S)
        self.refilled_at = now
        self.stock -= 1
        return max(0.0, -self.stock / self.PER_S)
