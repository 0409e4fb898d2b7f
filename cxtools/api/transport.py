"""
Exchanges for all threads of a client: counted, within the time that is left, and without our
secrets in what comes back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from requests import PreparedRequest

from cxtools.api import wire
from cxtools.api.answer import Answer
from cxtools.api.redaction import Redaction
from cxtools.settings import Settings

#: Seconds by which a try that began before a call's end may outlast it, so that the last one isn't
#: cut off at once.
GRACE_S = 0.5


@dataclass
class Counters:
    """What a client did so far; `requests` counts every exchange, sign-ins and retries included."""

    requests: int = 0
    retries: int = 0
    throttled: int = 0
    token_fetches: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(
        self, *, requests: int = 0, retries: int = 0, throttled: int = 0, token_fetches: int = 0
    ) -> None:
        with self._lock:
            self.requests += requests
            self.retries += retries
            self.throttled += throttled
            self.token_fetches += token_fetches


class _ThreadSession(threading.local):
    """A kept connection for each thread: Python runs `__init__` anew in every thread that asks."""

    def __init__(self, settings: Settings) -> None:
        self.session = wire.open_session(settings)


class Transport:
    """Sends one request; `reached` says whether the API has ever been connected to."""

    def __init__(
        self,
        settings: Settings,
        redaction: Redaction,
        counters: Counters,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._redaction = redaction
        self._counters = counters
        self._clock = clock
        self._kept = _ThreadSession(settings)
        self.reached = False

    def send(self, make: Callable[[], PreparedRequest], ends_at: float) -> Answer:
        """Send what *make* makes, over this thread's connection."""
        prepared = make()  # which may sign in, and so take time
        left_s = ends_at + GRACE_S - self._clock()
        deadline_s = min(self._settings.call_deadline_s, left_s)
        answer = wire.exchange(self._kept.session, prepared, deadline_s=deadline_s)
        self._count(answer)
        if answer.is_2xx and answer.document is not None:
            return answer
        return self._redaction.redact(answer)

    def post(self, prepared: PreparedRequest, ends_at: float) -> Answer:
        """
        Send a submit, over a connection of its own: on a kept one, a reset by the idle server looks
        the same as one after it took the batch.
        """
        with wire.open_session(self._settings) as session:
            answer = wire.exchange(session, prepared, deadline_s=ends_at - self._clock())
        self._count(answer)
        if answer.is_2xx and answer.job_id is not None:
            return answer
        return self._redaction.redact(answer)

    def _count(self, answer: Answer) -> None:
        self._counters.add(requests=1)
        if answer.fault != "not_sent":
            self.reached = True
