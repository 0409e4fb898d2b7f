"""
What comes after an answer: take it, ask again after a pause, or give up; and a budget of retries
for the whole process.

Pure: `now` (seconds of any one clock) and `rng` are arguments, and nobody sleeps here. Not tenacity
or stamina: their policies see one call at a time, but a 429 must hold back all threads, the budget
belongs to the process, and a 429 doesn't use up an attempt.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus

BASE_S = 0.25
LONGEST_S = 20.0
#: From here on the doubling has long passed `LONGEST_S`, and a larger power might not be a float.
LAST_DOUBLING = 30
#: Times a complete but unreadable 2xx answer is asked for again: a proxy's page may pass, a wrong
#: address won't.
UNREADABLE_TRIES = 3
#: Below 500, what passes by itself; a 5xx does, but for two that say "never".
PASSING = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
)
NEVER = (HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
#: Retries that a fresh process may spend at once, and what refills the stock.
STOCK = 100.0
REFILL_PER_ANSWER = 0.1
REFILL_PER_S = 5.0
#: A Retry-After in seconds has no more characters.
LONGEST_NUMBER = 15


def backoff_s(attempt: int, *, rng: random.Random) -> float:
    """
    Seconds to wait after failed attempt number *attempt* (from 0): doubling up to a cap, half of it
    random.

    >>> [round(backoff_s(n, rng=random.Random(1)), 2) for n in (0, 1, 2, 30)]
    [0.14, 0.28, 0.57, 11.34]
    """
    doubled_s = BASE_S * 2.0 ** min(attempt, LAST_DOUBLING)
    return min(LONGEST_S, doubled_s) * rng.uniform(0.5, 1)


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
    if _is_number(text):
        return float(text)
    until = _unix_time(text)
    if until is None:
        return None
    server_now = _unix_time((date or "").strip())
    if server_now is None:
        server_now = now
    return max(0.0, until - server_now)


def _is_number(text: str) -> bool:
    digits = text.replace(".", "", 1)
    return len(text) <= LONGEST_NUMBER and digits.isascii() and digits.isdigit()


def _unix_time(http_date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(http_date)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


@dataclass(frozen=True)
class Done:
    """The answer is final: read it."""


@dataclass(frozen=True)
class Wait:
    """Ask again after this many seconds; after a 429 that holds for every thread."""

    seconds: float


@dataclass(frozen=True)
class GiveUp:
    """Ask no more; `reason` completes the sentence "given up after ..."."""

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
    sort (throttled ones apart, so that they use up nothing); *hint_s* is the server's Retry-After;
    *readable* is False for a whole 2xx answer that can't be read.

    >>> next_step(429, 0, hint_s=7, now=0, deadline=300, rng=random.Random(1))
    Wait(seconds=7)
    >>> next_step(404, 0, hint_s=None, now=0, deadline=300, rng=random.Random(1))
    Done()
    """
    tries = attempt + 1
    if readable and not _passes(status):
        return Done()
    if not readable and tries >= UNREADABLE_TRIES:
        return Done()
    own_s = backoff_s(attempt, rng=rng)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        # The server's hint counts alone: waiting for it *and* our own delay would double the wait.
        # A hint of 0 is as good as none, or we would ask in a hot loop.
        wait_s = hint_s or own_s
    else:
        wait_s = max(hint_s or 0.0, own_s)
    if now + wait_s > deadline:
        counted = "1 try" if tries == 1 else f"{tries} tries"
        return GiveUp(f"{counted}; the next one, in {wait_s:.0f} s, would come too late")
    return Wait(wait_s)


def _passes(status: int | None) -> bool:
    """May the same request be answered otherwise in a while?"""
    if status is None or status in PASSING:
        return True
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in NEVER


@dataclass
class Budget:
    """
    The retries of a process: a stock, refilled by every answered request and slowly by time, so
    that retries can't become the load that keeps a server down. An empty stock delays a retry; it
    never forbids one.

    >>> budget = Budget(stock=1)
    >>> budget.wait_s(0.0), budget.wait_s(0.0)
    (0.0, 0.2)
    """

    stock: float = STOCK
    refilled_at: float | None = None

    def refill(self) -> None:
        """A request was answered."""
        self._add(REFILL_PER_ANSWER)

    def wait_s(self, now: float) -> float:
        """
        Take one retry out of the stock; how long to wait for it. A debt makes the next ones wait
        longer.
        """
        if self.refilled_at is not None:
            self._add(max(0.0, now - self.refilled_at) * REFILL_PER_S)
        self.refilled_at = now
        self.stock -= 1
        return max(0.0, -self.stock / REFILL_PER_S)

    def _add(self, retries: float) -> None:
        self.stock = min(STOCK, self.stock + retries)
