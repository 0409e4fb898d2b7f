"""
When may the next request leave: one gate for all threads, which keeps a configured rate and learns
the server's own.

Pure: `now` is an argument (seconds of any one clock), and nobody sleeps here.

Why the rate is learned, and why by a cubic curve: most limiters say only "wait a second", and a
client that does just that sends a volley, waits a whole second, sends the next volley. Measured on
nine simulated limiters (token buckets and fixed windows from 20 to 500 requests per second, 16
threads, 10,000 requests; `tests/unit/test_pace.py`), as multiples of the time that the limit
allows at best:

    waiting for Retry-After alone      up to 51 x    up to 15 refusals for each answer
    a steady rise, cut at each 429     up to 1.7 x   the best of 16 settings
    the cubic curve                    up to 1.22 x  at most 35 of 10,000 refused
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

#: How many seconds' worth of its places in the queue a late thread may catch up.
CREDIT_S = 0.05
#: The soft start: requests per second, and how many more with each that is answered. Few requests
#: are under way when the first 429 comes (20/s, 20 ms, 16 threads: 8 of the first 200 are refused
#: instead of 17); where there is no limit it costs 0.2 s, once.
START_PER_S = 100.0
RISE_PER_S = 10.0

#: How long the curve takes back to its peak.
RECOVERY_S = 10.0
#: The peak is this part of the rate that met a 429: just below it.
PEAK_SHARE = 0.9
#: The curve begins at least this part of its peak below it.
LEAST_DIP_SHARE = 0.1
#: Never slower: a request per second finds out that a limit was lifted.
LEAST_PER_S = 1.0
#: A spell that ended sooner is measured as if it had lasted this long.
LEAST_SPELL_S = 0.02


@dataclass(frozen=True)
class Curve:
    """
    A rate that rises in `RECOVERY_S` to its peak, rests there, and then tries beyond it.

             ^                          /
        peak |         ,---------------'
             |      ,-'
             |     /
             +-----+-----------+----------->  time
                   begins_at   + RECOVERY_S
    """

    begins_at: float
    peak_per_s: float
    dip_per_s: float

    def per_s(self, now: float) -> float:
        risen_s = max(0.0, now - self.begins_at)
        phase = risen_s / RECOVERY_S - 1  # -1 at the start, 0 at the peak
        rate = self.peak_per_s + self.dip_per_s * phase**3
        return max(LEAST_PER_S, rate)


@dataclass
class LearnedRate:
    """
    The requests per second that a server seems to allow, from its 429s.

    The time between two 429s is a spell. When one ends, the truth lies between two measurements of
    it: the rate at which we sent, which was too fast, and the answers per second with the pause
    that the server asks for counted in, which is too slow if the server forgives sooner. The next
    spell starts at their geometric mean and follows a curve to a peak just below the rate that was
    too fast (as TCP CUBIC does, and botocore's adaptive mode).

    Before the first 429 nothing is known, and a soft start is all that limits.
    """

    spell_at: float | None = None
    answered: int = 0
    curve: Curve | None = None

    def begin(self, now: float) -> None:
        """The first request is about to leave; later calls change nothing."""
        if self.spell_at is None:
            self.spell_at = now

    def per_s(self, now: float) -> float:
        """How many requests per second may leave."""
        if self.curve:
            return self.curve.per_s(now)
        return START_PER_S + RISE_PER_S * self.answered

    def count_answer(self) -> None:
        """A request was answered by something else than a 429."""
        self.answered += 1

    def end_spell(self, now: float, wait_s: float) -> None:
        """A 429 came, and asks for a pause of *wait_s*."""
        spell_s = LEAST_SPELL_S
        if self.spell_at is not None:
            spell_s = max(now - self.spell_at, LEAST_SPELL_S)
        answered = max(self.answered, 1)
        too_fast = answered / spell_s
        if self.curve:
            too_fast = self.curve.per_s(now)
        with_pause = answered / (spell_s + wait_s)
        too_slow = min(too_fast, with_pause)

        start = math.sqrt(too_slow * too_fast)
        peak = max(start, PEAK_SHARE * too_fast)
        dip = max(peak - start, LEAST_DIP_SHARE * peak)
        self.spell_at = now + wait_s
        self.curve = Curve(self.spell_at, peak, dip)
        self.answered = 0


@dataclass
class Gate:
    """
    One gate for all threads of a process: each reserves a moment at which it may send.

    With `rate_per_s` these moments are that far apart; they are never closer than the rate that the
    server seems to allow.

    >>> gate = Gate(rate_per_s=2.0)
    >>> [gate.reserve(100.0) for _ in range(3)]
    [100.0, 100.5, 101.0]
    """

    rate_per_s: float | None = None
    server: LearnedRate = field(default_factory=LearnedRate)
    next_at: float | None = None
    shut_until: float = -math.inf

    def reserve(self, now: float, by: float = math.inf) -> float:
        """
        The moment at which the caller may send. It must look again then, since the gate may have
        been shut. A moment after *by* is returned, but not taken: others may have it.
        """
        self.server.begin(now)
        moment = max(self._next_place(now), self.shut_until)
        if moment <= by:
            self.next_at = moment + 1 / self._per_s(now)
        return max(now, moment)

    def count_answer(self) -> None:
        """A request was answered by something else than a 429."""
        self.server.count_answer()

    def shut(self, now: float, wait_s: float, *, sent_at: float) -> None:
        """
        A 429 came: nobody sends for *wait_s*. A request that left before the gate was last shut
        teaches nothing new.
        """
        spell_at = self.server.spell_at
        if spell_at is None or sent_at >= spell_at:
            self.server.end_spell(now, wait_s)
        self.shut_until = max(self.shut_until, now + wait_s)

    def _next_place(self, now: float) -> float:
        if self.next_at is None:
            return now
        return max(self.next_at, now - CREDIT_S)

    def _per_s(self, now: float) -> float:
        learned = self.server.per_s(now)
        if self.rate_per_s is None:
            return learned
        return min(self.rate_per_s, learned)
