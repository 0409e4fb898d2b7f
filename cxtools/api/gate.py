"""
When may the next request leave: one gate for all threads, which keeps a configured rate and learns
the server's own.

Pure: `now` is an argument (seconds of any one clock), and nobody sleeps here.

Why the rate is learned, and why by a cubic curve: most limiters say only "wait a second", and a
client that does just that sends a volley, waits a whole second, sends the next volley. Measured on
simulated limiters of 100 requests per second (token buckets with bursts of 100, 50, 20 and 10, a
window of a second; 16 threads, answers after 20 ms; `tests/unit/test_gate.py`), the worst of the
five, as multiples of requests / rate:

                                                   1,000 requests   10,000
    waiting for Retry-After alone                  8.6 x            8.7 x, more 429s than answers
    the rate doubles in 20 s, later in up to 80 s  1.38 x           1.15 x
    it follows a parabola, 10 s, later 40 s wide   1.31 x           1.16 x
    the cubic curve, always 10 s wide              1.33 x           1.13 x
    the cubic curve, 8 s, later 24 s wide          1.26 x           1.11 x, 0.3 % are refused

What it costs at least is up to the server: a 429 says "wait a second", a tenth of the time that
1,000 requests take, and where no tokens are saved up meanwhile that second is lost. So the first
429 is followed by a rate nearer to the one that was too fast, and each later try beyond what is
known comes after a longer rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

#: How many seconds' worth of their places in the queue late threads may catch up; after each 429
#: half as much, since a server that takes no bursts refuses those who catch up.
CREDIT_S = 0.05
#: Not worth a sleep: clocks and floats are not more exact.
LEAST_WAIT_S = 1e-6
#: The soft start: requests per second, and how many more with each that is answered. Few requests
#: are under way when the first 429 comes (20/s, 20 ms, 16 threads: 8 of the first 200 are refused
#: instead of 17); where there is no limit it costs 0.2 s, once.
START_PER_S = 100.0
RISE_PER_S = 10.0

#: How long the curve takes back to its peak after the first 429. After each further one it takes
#: longer, since the rate is known better and each 429 costs a pause.
FIRST_RECOVERY_S = 8.0
RECOVERY_FACTOR = 3.0
LONGEST_RECOVERY_S = 24.0
#: How fast the curve tries beyond its peak: in this time by as much as it began below it. Shorter
#: than a long recovery, so that a limit that was lifted is found out soon.
BEYOND_S = 8.0
#: Where a spell begins on the way from too slow (0) to too fast (1), measured in ratios. A first
#: spell is short and its pause long beside it, so that too slow is far too slow.
FIRST_START = 0.75
LATER_START = 0.5
#: The peak is this part of the rate that met a 429: just below it.
PEAK_SHARE = 0.9
#: The curve begins at least this part of its peak below it.
LEAST_DIP_SHARE = 0.07
#: Never slower: a request per second finds out that a limit was lifted.
LEAST_PER_S = 1.0
#: A spell that ended sooner is measured as if it had lasted this long.
LEAST_SPELL_S = 0.005


@dataclass(frozen=True)
class Curve:
    """
    A rate that rises in `recovery_s` to its peak, rests there, and then tries beyond it.

             ^                          /
        peak |         ,---------------'
             |      ,-'
             |     /
             +-----+-----------+----------->  time
                   begins_at   + recovery_s
    """

    begins_at: float
    peak_per_s: float
    dip_per_s: float
    recovery_s: float

    def per_s(self, now: float) -> float:
        beyond_s = max(0.0, now - self.begins_at) - self.recovery_s
        width_s = self.recovery_s if beyond_s < 0 else BEYOND_S
        phase = beyond_s / width_s  # -1 at the start, 0 at the peak
        rate = self.peak_per_s + self.dip_per_s * phase**3
        return max(LEAST_PER_S, rate)


@dataclass
class LearnedRate:
    """
    The requests per second that a server seems to allow, from its 429s.

    The time between two 429s is a spell. When one ends, the truth lies between two measurements of
    it: the rate at which we sent, which was too fast, and the answers per second with the pause
    that the server asks for counted in, which is too slow if the server forgives sooner. The next
    spell starts between them and follows a curve to a peak just below the rate that was too fast
    (as TCP CUBIC does, and botocore's adaptive mode).

    Before the first 429 nothing is known, and a soft start is all that limits.
    """

    spell_at: float | None = None
    answered: int = 0
    curve: Curve | None = None
    recovery_s: float = FIRST_RECOVERY_S

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

    def end_spell(self, now: float, wait_s: float, *, sent_at: float) -> None:
        """A 429 came, to a request that left at *sent_at*, and asks for a pause of *wait_s*."""
        spell_s = LEAST_SPELL_S
        if self.spell_at is not None:
            spell_s = max(sent_at - self.spell_at, LEAST_SPELL_S)
        answered = max(self.answered, 1)
        share = FIRST_START
        too_fast = min(self.per_s(now), answered / spell_s)
        if self.curve:
            share = LATER_START
            too_fast = self.curve.per_s(now)
        too_slow = min(too_fast, answered / (spell_s + wait_s))

        start = too_slow ** (1 - share) * too_fast**share
        peak = max(start, PEAK_SHARE * too_fast)
        dip = max(peak - start, LEAST_DIP_SHARE * peak)
        self.spell_at = now + wait_s
        self.curve = Curve(self.spell_at, peak, dip, self.recovery_s)
        self.recovery_s = min(LONGEST_RECOVERY_S, RECOVERY_FACTOR * self.recovery_s)
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
    credit_s: float = CREDIT_S
    #: When the next request would leave if none ever left late.
    due_at: float = -math.inf

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

    def late_wait_s(self, now: float) -> float:
        """
        How long a caller whose moment has come must still wait, since others who woke up late have
        just left: after a machine stood still, all threads would leave at once.
        """
        wait_s = self.due_at - self.credit_s - now
        return wait_s if wait_s > LEAST_WAIT_S else 0.0

    def leave(self, now: float) -> None:
        """A request leaves."""
        self.due_at = max(self.due_at, now) + 1 / self._per_s(now)

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
            self.server.end_spell(now, wait_s, sent_at=sent_at)
            self.credit_s /= 2
        self.shut_until = max(self.shut_until, now + wait_s)
        self.due_at = -math.inf

    def _next_place(self, now: float) -> float:
        if self.next_at is None:
            return now
        return max(self.next_at, now - self.credit_s)

    def _per_s(self, now: float) -> float:
        learned = self.server.per_s(now)
        if self.rate_per_s is None:
            return learned
        return min(self.rate_per_s, learned)
