"""
Tell the CRM: webhooks from the outbox, delivered at least once, with an id that never changes.

The headers and the schedule are those of Standard Webhooks 1.0 (https://www.standardwebhooks.com).
The published library is used in the tests to verify what is sent here; it isn't used to sign,
because it brings an HTTP stack of its own (httpx) for what are five lines of hmac.

A body holds one entry for everybody who bounced, opened or clicked, as the tutorial's does: some
130 kB for a batch of 1,000, where the standard advises less than 20 kB.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cxtools.api import backoff, wire
from cxtools.bounce.policy import MAILED_AGAIN
from cxtools.context import Context
from cxtools.errors import StoreError
from cxtools.ledger.audit import Anchor
from cxtools.ledger.batches import BatchRow
from cxtools.ledger.outbox import DueWebhook, Webhook
from cxtools.webhooks import allowed

#: Seconds between tries; after the last one the webhook is dead (kept and listed).
SCHEDULE_S = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
DEADLINE_S = 20.0
#: Longer than one try, so that nobody else takes a webhook that is under way.
LEASE_S = 60.0
#: A slow CRM holds up the end of a deed no longer than this, and one try; the rest waits in the
#: outbox.
LAST_ROUND_S = 30.0


@dataclass(frozen=True)
class Tried:
    """
    What became of one round over the outbox, in webhooks; `parked` counts those whose try found the
    endpoint gone.
    """

    delivered: int = 0
    waiting: int = 0
    dead: int = 0
    parked: int = 0


def message(
    job: BatchRow,
    spec: Mapping[str, Any],
    people: Sequence[Mapping[str, Any]],
    *,
    version: int,
    at: str,
    anchor: Anchor,
) -> Webhook:
    """
    The webhook that tells of one job: (id, event, body), the tutorial's shape with the job's real
    status.

    *job* is a row of the ledger's batches, *people* one row per message as `measures.outcomes`
    gives them. The id derives from job, event and version, so that the CRM can drop repetitions.
    """
    event = f"email_job_{job.job_status}"
    permanent = [_failure(row) for row in people if row["kind"] == "hard"]
    candidates = [_failure(row) for row in people if row["retry"] in MAILED_AGAIN]
    engagement = [_engagement(row) for row in people if row["opened_at"] or row["clicks"]]
    entry = {
        "timestamp": at,
        "jobId": job.job_id,
        "templateId": spec["template_id"],
        "senderAddress": spec["sender"],
        "recipientCount": job.recipients,
        "latencyMs": None if job.latency_s is None else round(job.latency_s * 1000),
        "permanentBounces": len(permanent),
        "retryCandidates": len(candidates),
        "opens": sum(1 for row in people if row["opened_at"]),
        "spamScore": job.spam_score,
        "version": version,
        "auditAnchor": {"seq": anchor.seq, "hash": anchor.hash},
    }
    data = {
        "jobId": job.job_id,
        "status": job.job_status,
        "auditEntry": entry,
        "permanentFailures": permanent,
        "retryCandidates": candidates,
        "engagement": engagement,
    }
    webhook_id = (
        "msg_" + hashlib.sha256(f"{job.job_id}|{event}|{version}".encode()).hexdigest()[:24]
    )
    document = {"event": event, "data": data}
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return Webhook(webhook_id, event, body.encode())


def signature(secret: str, hook_id: str, timestamp: int, body: bytes) -> str:
    """
    The `webhook-signature` of Standard Webhooks; *secret* is base64, with or without `whsec_`
    before it.

    >>> signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{hook_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def deliver_due(context: Context, *, stop: Callable[[], bool] = lambda: False) -> Tried:
    """
    Try every webhook that is due, once, until *stop* says so; failures come back by the schedule.
    """
    due_by, states = context.now(), []
    while not stop() and (
        rows := context.ledger.outbox.take_due(
            lease_s=LEASE_S, due_by=due_by, limit=1, account=context.settings.account
        )
    ):
        states += [_deliver(context, row) for row in rows]
    return Tried(*(states.count(state) for state in ("delivered", "pending", "dead", "parked")))


@contextmanager
def deliver_in_background(
    context: Context, *, last_round_s: float = LAST_ROUND_S
) -> Iterator[None]:
    """
    Deliver webhooks beside a deed, which never waits for the CRM, and in a last, short round after
    it.
    """
    if not context.settings.crm_webhook_url:
        yield
        return
    context.settings.needs("crm")
    done = threading.Event()
    worker = threading.Thread(
        target=_run, args=(context, done), name="cxtools-webhooks", daemon=True
    )
    worker.start()
    try:
        yield
    finally:
        done.set()
        worker.join()
    last = time.monotonic() + last_round_s
    deliver_due(context, stop=lambda: time.monotonic() > last)


def _run(context: Context, done: threading.Event) -> None:
    while not done.wait(0.2):
        try:
            deliver_due(context, stop=done.is_set)
        except StoreError:
            return  # the deed in the foreground meets the same ledger and reports it


def _deliver(context: Context, row: DueWebhook) -> str:
    error, retry_after_s = _post(context, row)
    if not error:
        state, next_at = "delivered", 0.0
    elif error.startswith("status 410"):
        state, next_at = "parked", 0.0
    elif row.tries >= len(SCHEDULE_S):
        state, next_at = "dead", 0.0
    else:
        state, next_at = (
            "pending",
            context.now() + wait_s(row.tries, retry_after_s, rng=context.rng),
        )
    context.ledger.outbox.record_delivery(row.id, state=state, error=error, next_at=next_at)
    return state


def wait_s(tries: int, retry_after_s: float | None, *, rng: random.Random) -> float:
    """
    Seconds to the next try: the schedule with 10 % jitter; a server's own wish counts between once
    and twice that.

    >>> wait_s(1, 3600, rng=random.Random(1))
    600.0
    """
    base = SCHEDULE_S[min(tries, len(SCHEDULE_S) - 1)]
    return (
        base * rng.uniform(1, 1.1)
        if retry_after_s is None
        else min(max(retry_after_s, base), 2.0 * base)
    )


def _post(context: Context, row: DueWebhook) -> tuple[str, float | None]:
    """
    ("", None) when the CRM took it, else what went wrong and how long the server asks to wait.
    """
    moment = int(context.now())
    headers = {
        "Content-Type": "application/json",
        "webhook-id": row.id,
        "webhook-timestamp": str(moment),
        "webhook-signature": signature(
            context.settings.crm_webhook_secret.reveal(), row.id, moment, row.body
        ),
    }
    url = context.settings.crm_webhook_url
    with wire.open_session(
        context.settings, route=allowed.route(url, context.settings.crm_allow_hosts)
    ) as session:
        answer = wire.exchange(
            session, wire.request("POST", url, headers, row.body), deadline_s=DEADLINE_S
        )
    if answer.status is None:
        return answer.reason, None
    if 200 <= answer.status < 300:
        return "", None
    return f"status {answer.status}", backoff.retry_after_s(
        answer.headers.get("retry-after"), context.now(), date=answer.headers.get("date")
    )


def _failure(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "email": row["email"],
        "reason": row["bounce_text"],
        "code": row["bounce_code"],
        "category": row["category"],
    }


def _engagement(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "email": row["email"],
        "openedAt": row["opened_at"],
        "clickedLinks": [{"url": url, "clickedAt": at} for url, at in row["clicks"]],
    }
