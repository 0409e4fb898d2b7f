"""
Bring webhooks from the outbox to the CRM: at least once, with an id that never changes.

The headers and the schedule are those of Standard Webhooks 1.0 (https://www.standardwebhooks.com).
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple

from cxtools.api import backoff, wire
from cxtools.context import Context
from cxtools.errors import StoreError
from cxtools.ledger.outbox import DueWebhook, Outbox
from cxtools.settings import Settings
from cxtools.settings.secret import Secret
from cxtools.webhooks.allowed import resolver_for
from cxtools.webhooks.signature import signature

#: Seconds between tries; after the last one the webhook is dead (kept and listed).
SCHEDULE_S = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
#: The schedule is stretched by up to this factor, so that not all come back at once.
JITTER = 1.1
DEADLINE_S = 20.0
#: Longer than one try, so that nobody else takes a webhook that is under way.
LEASE_S = 60.0
#: Seconds between two looks at the outbox.
POLL_S = 0.2
#: A slow CRM holds up the end of a command for this long, and one try; the rest waits in the
#: outbox.
LINGER_S = 30.0


@dataclass(frozen=True)
class Round:
    """
    What became of one round over the outbox, in webhooks; `parked` counts those whose try found the
    endpoint gone.
    """

    delivered: int = 0
    waiting: int = 0
    dead: int = 0
    parked: int = 0


class Attempt(NamedTuple):
    """
    What came of one POST.

        error           what went wrong; "" when the CRM took the webhook
        gone            the CRM says that the endpoint is gone
        retry_after_s   how long it asks to wait
    """

    error: str
    gone: bool = False
    retry_after_s: float | None = None


def _never() -> bool:
    return False


def deliver_due(context: Context, *, stop: Callable[[], bool] = _never) -> Round:
    """
    Try every webhook that is due, once each, or until *stop* says so; failures come back by the
    schedule.
    """
    due_by = context.now()
    states: Counter[str] = Counter()
    while not stop():
        due = context.ledger.outbox.take_due(
            lease_s=LEASE_S,
            due_by=due_by,
            limit=1,
            account=context.settings.account,
        )
        if not due:
            break
        for webhook in due:
            states[_deliver(context, webhook)] += 1
    return Round(states["delivered"], states["pending"], states["dead"], states["parked"])


@contextmanager
def deliver_in_background(context: Context, *, linger_s: float = LINGER_S) -> Iterator[None]:
    """
    Deliver webhooks beside a command, which never waits for the CRM, and in a last, short round
    after it.

    Raises:
        ConfigError: there is a CRM, but no secret to sign with.
    """
    if not context.settings.crm_webhook_url:
        yield
        return
    context.settings.needs("crm")
    done = threading.Event()
    worker = threading.Thread(
        target=_deliver_until,
        args=(context, done),
        name="cxtools-webhooks",
        daemon=True,
    )
    worker.start()
    try:
        yield
    finally:
        done.set()
        worker.join()
    ends_at = time.monotonic() + linger_s
    deliver_due(context, stop=lambda: time.monotonic() > ends_at)


def _deliver_until(context: Context, done: threading.Event) -> None:
    while not done.wait(POLL_S):
        try:
            deliver_due(context, stop=done.is_set)
        except StoreError:
            return  # the command in the foreground meets the same ledger and reports it


def _deliver(context: Context, webhook: DueWebhook) -> str:
    """Try one webhook, write down what came of it, and return its state."""
    attempt = _post(context, webhook)
    return record_attempt(context.ledger.outbox, webhook, attempt, now=context.now, rng=context.rng)


def record_attempt(
    outbox: Outbox,
    webhook: DueWebhook,
    attempt: Attempt,
    *,
    now: Callable[[], float],
    rng: random.Random,
) -> str:
    """Write down what came of one try, and return the state that it leads to."""
    state = _state_after(attempt, webhook.tries)
    next_at = 0.0
    if state == "pending":
        next_at = now() + wait_s(webhook.tries, attempt.retry_after_s, rng=rng)
    outbox.record_delivery(
        webhook.id,
        state=state,
        error=attempt.error,
        next_at=next_at,
    )
    return state


def _state_after(attempt: Attempt, tries: int) -> str:
    if not attempt.error:
        return "delivered"
    if attempt.gone:
        return "parked"
    if tries >= len(SCHEDULE_S):
        return "dead"
    return "pending"


def wait_s(tries: int, retry_after_s: float | None, *, rng: random.Random) -> float:
    """
    Seconds to the next try: the schedule with 10 % jitter; what a server asks for counts between
    once and twice that.

    >>> wait_s(1, 3600, rng=random.Random(1))
    600.0
    """
    base_s = SCHEDULE_S[min(tries, len(SCHEDULE_S) - 1)]
    if retry_after_s is None:
        return base_s * rng.uniform(1, JITTER)
    return min(max(retry_after_s, base_s), 2.0 * base_s)


def _post(context: Context, webhook: DueWebhook) -> Attempt:
    settings = context.settings
    url = settings.crm_webhook_url
    return post(settings, url, settings.crm_webhook_secret, webhook, now=context.now)


def post(
    settings: Settings,
    url: str,
    signing_secret: Secret,
    webhook: DueWebhook,
    *,
    now: Callable[[], float],
) -> Attempt:
    """POST a webhook to an address by Standard Webhooks, once."""
    secret = signing_secret.reveal()
    moment = int(now())
    headers = {
        "Content-Type": "application/json",
        "webhook-id": webhook.id,
        "webhook-timestamp": str(moment),
        "webhook-signature": signature(secret, webhook.id, moment, webhook.body),
    }
    resolver = resolver_for(url, settings.crm_allow_hosts)
    with wire.open_session(settings, resolver=resolver) as session:
        request = wire.request("POST", url, headers, webhook.body)
        answer = wire.exchange(session, request, deadline_s=DEADLINE_S)
    if answer.status is None:
        return Attempt(answer.reason)
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return Attempt("")
    retry_after_s = backoff.retry_after_s(
        answer.headers.get("retry-after"),
        now(),
        date=answer.headers.get("date"),
    )
    gone = answer.status == HTTPStatus.GONE
    return Attempt(f"status {answer.status}", gone, retry_after_s)
