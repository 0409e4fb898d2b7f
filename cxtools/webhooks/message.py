"""
What the CRM is told of a job: the tutorial's shape, with the job's real status.

A body holds one entry for everybody who bounced, opened or clicked, as the tutorial's does: some
130 kB for a batch of 1,000, where Standard Webhooks advises less than 20 kB.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cxtools.bounce.policy import MAILED_AGAIN
from cxtools.ledger.audit import Anchor
from cxtools.ledger.batches import BatchRow
from cxtools.ledger.outbox import Webhook

#: Digits of an id's hash; 96 bits, so that no two webhooks have the same.
ID_LENGTH = 24


def job_webhook(
    job: BatchRow,
    spec: Mapping[str, Any],
    people: Sequence[Mapping[str, Any]],
    *,
    version: int,
    at: str,
    anchor: Anchor,
) -> Webhook:
    """
    The webhook that tells of one job.

    *job* is a row of the ledger's batches, *people* one row per message as `measures.outcomes`
    gives them. The id derives from job, event and version, so that the CRM can drop repetitions.
    """
    event = f"email_job_{job.job_status}"
    permanent = [_failure(row) for row in people if row["kind"] == "hard"]
    candidates = [_failure(row) for row in people if row["retry"] in MAILED_AGAIN]
    engaged = [row for row in people if row["opened_at"] or row["clicks"]]
    entry = {
        "timestamp": at,
        "jobId": job.job_id,
        "templateId": spec["template_id"],
        "senderAddress": spec["sender"],
        "recipientCount": job.recipients,
        "latencyMs": _milliseconds(job.latency_s),
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
        "engagement": [_engagement(row) for row in engaged],
    }
    body = _json({"event": event, "data": data})
    return Webhook(webhook_id(job.job, event, version), event, body)


def webhook_id(job_id: str, event: str, version: int) -> str:
    """
    An id that is the same whenever and by whomever the webhook is made.

    >>> webhook_id("j1", "email_job_completed", 1) == webhook_id("j1", "email_job_completed", 1)
    True
    """
    identity = f"{job_id}|{event}|{version}"
    digest = hashlib.sha256(identity.encode()).hexdigest()
    return f"msg_{digest[:ID_LENGTH]}"


def _json(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.encode()


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _failure(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "email": row["email"],
        "reason": row["bounce_text"] or row["reason"],
        "code": row["bounce_code"],
        "category": row["category"],
    }


def _engagement(row: Mapping[str, Any]) -> dict[str, Any]:
    clicks = []
    for url, clicked_at in row["clicks"]:
        clicks.append({"url": url, "clickedAt": clicked_at})
    return {
        "email": row["email"],
        "openedAt": row["opened_at"],
        "clickedLinks": clicks,
    }
