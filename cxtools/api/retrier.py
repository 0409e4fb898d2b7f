"""
Requests that may be repeated: sent until the answer is final, paced together with all others.

Errors are raised outside `except` blocks: what requests raises holds the request, with token and
address, and Python would keep it as `__context__`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

from requests import PreparedRequest

from cxtools.api import backoff
from cxtools.api.answer import Answer
from cxtools.api.pacer import Pacer
from cxtools.api.refusals import as_error
from cxtools.api.transport import Counters, Transport

#: Seconds of patience with a host that never answered in this process: a wrong address is likelier
#: than an outage.
FIRST_CONTACT_S = 10.0

Make = Callable[[], PreparedRequest]


class Try(NamedTuple):
    """One try of a request, and what it teaches."""

    answer: Answer
    sent_at: float
    retry_after_s: float | None

    @property
    def limited(self) -> bool:
        return self.answer.status == HTTPStatus.TOO_MANY_REQUESTS


class Retrier:
    """Sends requests of all threads, again and again where that is right."""

    def __init__(
        self,
        transport: Transport,
        pacer: Pacer,
        counters: Counters,
        *,
        now: Callable[[], float],
        clock: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self._transport = transport
        self._pacer = pacer
        self._counters = counters
        self._now = now
        self._clock = clock
        self._rng = rng

    def send(self, method: str, path: str, make: Make, ends_at: float) -> Answer:
        """
        Send what *make* makes until the answer is final.

        Raises:
            ApiError: no final answer came before *ends_at*
        """
        return self._send(method, path, make, ends_at, paced=True)

    def sign_in(self, method: str, path: str, make: Make, ends_at: float) -> Answer:
        """
        The same for a sign-in. It waits for neither gate nor breaker: the breaker's only probe may
        be waiting for that very token.
        """
        if method == "POST":  # discovery is a GET
            self._counters.add(token_fetches=1)
        return self._send(method, path, make, ends_at, paced=False)

    def retry_after_s(self, answer: Answer) -> float | None:
        """How long the server asks us to wait; None when it doesn't say."""
        headers = answer.headers
        return backoff.retry_after_s(
            headers.get("retry-after"), self._now(), date=headers.get("date")
        )

    def _send(self, method: str, path: str, make: Make, ends_at: float, *, paced: bool) -> Answer:
        started_at = self._clock()
        throttled = 0
        failed = 0
        while True:
            last = self._try(method, path, make, ends_at, paced=paced)
            attempt = throttled if last.limited else failed
            step = self._next_step(last, attempt, self._patient_until(last, started_at, ends_at))
            if isinstance(step, backoff.Done):
                return last.answer
            hint_s = last.retry_after_s
            wait_s = step.seconds if isinstance(step, backoff.Wait) else hint_s or 0.0
            if last.limited and paced:
                self._pacer.throttle(wait_s, sent_at=last.sent_at)
            if isinstance(step, backoff.GiveUp):
                raise as_error(
                    last.answer,
                    method=method,
                    path=path,
                    given_up=step.reason,
                    retry_after_s=hint_s,
                )
            if last.limited:
                throttled += 1
                self._counters.add(throttled=1)
            else:
                failed += 1
                self._counters.add(retries=1)
            if not last.limited or not paced:  # else the gate, which is shut now, makes us wait
                self._pacer.rest(wait_s, ends_at)

    def _try(self, method: str, path: str, make: Make, ends_at: float, *, paced: bool) -> Try:
        if paced:
            with self._pacer.turn(method, path, ends_at) as sent_at:
                answer = self._transport.send(make, ends_at)
                self._pacer.learn(answer)
        else:
            sent_at = self._clock()
            answer = self._transport.send(make, ends_at)
        return Try(answer, sent_at, self.retry_after_s(answer))

    def _patient_until(self, last: Try, started_at: float, ends_at: float) -> float:
        if last.answer.fault == "not_sent" and not self._transport.reached:
            return min(ends_at, started_at + FIRST_CONTACT_S)
        return ends_at

    def _next_step(
        self, last: Try, attempt: int, ends_at: float
    ) -> backoff.Done | backoff.Wait | backoff.GiveUp:
        answer = last.answer
        return backoff.next_step(
            None if answer.fault else answer.status,
            attempt,
            hint_s=last.retry_after_s,
            now=self._clock(),
            deadline=ends_at,
            rng=self._rng,
            readable=not answer.is_unreadable,
        )
