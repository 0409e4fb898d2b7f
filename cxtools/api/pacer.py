"""
Pacing for all threads of a process: each takes its turn at the gate, past the circuit breaker, and
within the budget of retries.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

from cxtools.api.answer import Answer
from cxtools.api.backoff import Budget
from cxtools.api.breaker import Breaker
from cxtools.api.gate import Gate
from cxtools.errors import ApiError, RateLimited, ServerFault


class Pacer:
    """
    Gate, breaker and retry budget behind one lock, which is never held while a request is under
    way.
    """

    def __init__(
        self,
        requests_per_s: float | None,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._gate = Gate(requests_per_s)
        self._breaker = Breaker()
        self._budget = Budget()
        self._last_failure = ""
        self._lock = threading.Lock()
        self._clock = clock
        self._sleep = sleep

    @contextmanager
    def turn(self, method: str, path: str, ends_at: float) -> Iterator[float]:
        """
        Wait for gate and breaker, at most until *ends_at*; gives the moment of leaving. A probe
        that isn't sent is left to the next.

        Raises:
            RateLimited, ServerFault: the turn would come after *ends_at*
        """
        left_at = self._wait(method, path, ends_at)
        try:
            yield left_at
        finally:
            with self._lock:
                self._breaker.release(left_at)

    def _wait(self, method: str, path: str, ends_at: float) -> float:
        reserved = None
        while True:
            with self._lock:
                now = self._clock()
                if reserved is None or now < self._gate.shut_until:
                    reserved = self._gate.reserve(now, ends_at)
                gate_s = max(0.0, reserved - now) or self._gate.late_wait_s(now)
                breaker_s = 0.0 if gate_s else self._breaker.wait_s(now)
                wait_s = max(gate_s, breaker_s)
                if not wait_s:
                    self._gate.leave(now)
                    return now
            if now + wait_s > ends_at:
                raise self._too_late(method, path, gate_s)
            self._sleep(wait_s)

    def _too_late(self, method: str, path: str, gate_s: float) -> ApiError:
        if gate_s:
            return RateLimited(
                "the rate is limited for longer than we wait",
                method=method,
                path=path,
                status=HTTPStatus.TOO_MANY_REQUESTS,
                retry_after_s=gate_s,
                do="run it again later, with fewer workers or a requests_per_s that the API allows",
            )
        return ServerFault(
            "the API keeps failing, so nothing more is sent to it for now (circuit breaker); "
            f"last: {self._last_failure}",
            method=method,
            path=path,
            do="run it again later",
        )

    def learn(self, answer: Answer) -> None:
        """Take note of what an answer says about the server."""
        failed = bool(answer.fault) or answer.is_5xx
        with self._lock:
            self._breaker.record(not failed, self._clock())
            if failed:
                self._last_failure = answer.reason or f"status {answer.status}"
                return
            self._budget.refill()
            if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
                self._gate.count_answer()

    def throttle(self, wait_s: float, *, sent_at: float) -> None:
        """After a 429: shut the gate for everybody."""
        with self._lock:
            self._gate.shut(self._clock(), wait_s, sent_at=sent_at)

    def rest(self, wait_s: float, ends_at: float) -> None:
        """
        Sleep before a retry. A budget that is used up makes it longer, but never beyond the call's
        end.
        """
        with self._lock:
            now = self._clock()
            budget_s = self._budget.wait_s(now)
        self._sleep(max(wait_s, min(budget_s, ends_at - now)))
