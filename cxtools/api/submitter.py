"""
Submitting: the one request that is never repeated, but for a 401, which the API sends before it
looks at the request.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from requests import PreparedRequest

from cxtools.api import wire
from cxtools.api.answer import Answer
from cxtools.api.auth import SignIn, Token
from cxtools.api.backoff import backoff_s
from cxtools.api.grants import JSON
from cxtools.api.outcome import PostOutcome, post_outcome
from cxtools.api.pacer import Pacer
from cxtools.api.retrier import Retrier
from cxtools.api.transport import Transport
from cxtools.errors import CxError, Denied
from cxtools.settings import Settings


@dataclass(frozen=True, repr=False)
class Batch:
    """What is posted: the exact bytes, under one idempotency key."""

    body: bytes
    idempotency_key: str


@dataclass(frozen=True)
class Posted:
    """A POST that left at `sent_at`, signed with `token`, and what came back by `ends_at`."""

    answer: Answer
    token: Token
    sent_at: float
    ends_at: float


class Submitter:
    """Posts batches for all threads of a client."""

    def __init__(
        self,
        settings: Settings,
        auth: SignIn,
        transport: Transport,
        pacer: Pacer,
        retrier: Retrier,
        *,
        now: Callable[[], float],
        clock: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self._settings = settings
        self._auth = auth
        self._transport = transport
        self._pacer = pacer
        self._retrier = retrier
        self._now = now
        self._clock = clock
        self._rng = rng

    def submit(self, batch: Batch, leave_by: float) -> PostOutcome:
        """Post a batch before *leave_by* (Unix time), or not at all."""
        patience_s = min(leave_by - self._now(), self._settings.patience_s)
        waits_until = self._clock() + patience_s
        posted = self._post(batch, waits_until, leave_by, math.inf)
        if isinstance(posted, Posted) and self._was_stale(posted):
            self._auth.drop(posted.token)
            leave_by = min(leave_by, self._latest_second_try(posted))
            posted = self._post(batch, waits_until, leave_by, posted.ends_at)
        return self._outcome(posted) if isinstance(posted, Posted) else posted

    def _post(
        self, batch: Batch, waits_until: float, leave_by: float, ends_at: float
    ) -> Posted | PostOutcome:
        """Sign in, wait for a turn, post. An outcome comes back instead where nothing was sent."""
        path = self._settings.paths.messages
        try:
            token = self._auth.token(waits_until)
            with self._pacer.turn("POST", path, waits_until) as sent_at:
                if self._now() >= leave_by:
                    return PostOutcome("not_sent", detail="its turn came too late")
                ends_at = min(ends_at, sent_at + self._settings.call_deadline_s)
                answer = self._transport.post(self._request(batch, token), ends_at)
                self._pacer.learn(answer)
        except CxError as error:
            return _not_sent(error)
        return Posted(answer, token, sent_at, ends_at)

    def _request(self, batch: Batch, token: Token) -> PreparedRequest:
        headers = {
            **JSON,
            "Authorization": token.header,
            "Connection": "close",
            "Idempotency-Key": batch.idempotency_key,
        }
        url = self._settings.env_url + self._settings.paths.messages
        return wire.request("POST", url, headers, batch.body)

    def _was_stale(self, posted: Posted) -> bool:
        return posted.answer.status == HTTPStatus.UNAUTHORIZED and self._auth.renewable

    def _latest_second_try(self, posted: Posted) -> float:
        """
        Unix time until which a second POST may leave: the first half of the call, because a POST
        that is cut short has an unknown outcome.
        """
        left_s = posted.ends_at - self._clock()
        return self._now() + left_s - self._settings.call_deadline_s / 2

    def _outcome(self, posted: Posted) -> PostOutcome:
        answer = posted.answer
        hint_s = self._retrier.retry_after_s(answer)
        outcome = post_outcome(answer, retry_after_s=hint_s, trust_429=self._settings.trust_429)
        is_limited = answer.status == HTTPStatus.TOO_MANY_REQUESTS
        # The day's quota is about sending: jobs and events may be read on.
        if is_limited and outcome.kind != "exhausted":
            wait_s = hint_s or backoff_s(0, rng=self._rng)
            self._pacer.throttle(wait_s, sent_at=posted.sent_at)
        return outcome


def _not_sent(error: CxError) -> PostOutcome:
    return PostOutcome(
        "not_sent",
        status=getattr(error, "status", None),
        retry_after_s=getattr(error, "retry_after_s", None),
        trace_id=getattr(error, "trace_id", ""),
        detail=error.what,
        denied=isinstance(error, Denied),
    )
