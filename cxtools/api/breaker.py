"""
The circuit breaker: when a server keeps failing, nobody sends but one probe at a time.

Pure: `now` is an argument (seconds of any one clock). Not a packaged breaker: at half-open,
purgatory and circuitbreaker let every thread through, and pybreaker holds its lock during the call
(16 threads of 50 ms: measured 0.82 s instead of 0.05 s).
"""

from __future__ import annotations

from dataclasses import dataclass

#: More in a row than any scatter of single failures gives (1 % at random: once in 10**20 requests).
THRESHOLD = 10
#: One probe in five seconds harms no server, and finds the end of an outage soon.
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 5.0
#: How often those who wait look whether the probe is back.
LOOK_S = 0.2
#: How long a probe may stay away before another one is sent.
PROBE_S = 60.0


@dataclass
class Breaker:
    """
    After `THRESHOLD` failures in a row nobody sends, then exactly one probe at a time.

        closed     failures < THRESHOLD    everybody sends
        open       now < probe_at          nobody sends
        half-open  now >= probe_at         one probe sends; its success closes the breaker, its
                                           failure doubles the pause

    >>> breaker = Breaker()
    >>> for _ in range(THRESHOLD): breaker.record(False, 0.0)
    >>> breaker.wait_s(0.0), breaker.wait_s(0.5), breaker.wait_s(0.5) > 0
    (0.5, 0.0, True)
    """

    failures: int = 0
    pause_s: float = 0.0
    probe_at: float = 0.0
    #: Until then a probe is under way; None: there is none.
    probe_until: float | None = None

    @property
    def closed(self) -> bool:
        return self.failures < THRESHOLD

    def wait_s(self, now: float) -> float:
        """
        0 when the caller may send now, perhaps as the probe, and must `record` what came; else
        seconds until it should ask again.
        """
        if self.closed:
            return 0.0
        if now < self.probe_at:
            return self.probe_at - now
        if self.probe_until is not None and now < self.probe_until:
            return LOOK_S
        self.probe_until = now + PROBE_S
        return 0.0

    def release(self, granted_at: float) -> None:
        """
        If the probe was granted at *granted_at* and is still out, it wasn't sent after all: the
        next caller may be the probe.
        """
        if self.probe_until == granted_at + PROBE_S:
            self.probe_until = None

    def record(self, alive: bool, now: float) -> None:
        """*alive*: the server answered, and not with a 5xx."""
        if alive:
            self._close()
            return
        self.failures += 1
        probe_failed = self.probe_until is not None and now >= self.probe_at
        if self.failures == THRESHOLD or probe_failed:
            self.pause_s = min(LONGEST_PAUSE_S, 2 * self.pause_s or FIRST_PAUSE_S)
            self.probe_at = now + self.pause_s
            self.probe_until = None

    def _close(self) -> None:
        self.failures = 0
        self.pause_s = 0.0
        self.probe_until = None
