"""
What becomes of an accepted message: the check of an order, the job made of it, and the story its
events will tell.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from cxtools.simulator.people import HORIZON_S, Drift, Happening, Letter, dice, digest, drawn, life

SWITCHES = {"open": "enableOpens", "click": "enableClicks"}
TWICE, ODD_FIELD, OTHER_ZONE, FORWARD = (
    0.008,
    0.004,
    0.01,
    0.02,
)  # shares: repeated events, unknown fields, +02:00, unknown kinds

#: An event: the age of its job in seconds from which it can be seen, its kind, its JSON.
Told = tuple[float, str, bytes]


@dataclass
class Story:
    """All events of a job in the order in which they can be seen, and what they add up to."""

    events: list[Told] = field(default_factory=list)
    counts: Counter[str] = field(
        default_factory=Counter
    )  # distinct events by kind, and "duplicates"
    delivered: int = 0


@dataclass
class Job:
    """
    One accepted POST, and when it was accepted, in real seconds and in virtual seconds since the
    epoch.
    """

    job_id: str
    order: dict[str, Any]
    body_sha256: str = ""
    idempotency_key: str = ""
    nths: list[int] = field(
        default_factory=list
    )  # how often each recipient had got this letter before
    accepted_at: float = 0.0
    offset_s: float = 0.0
    ending: str = "completed"

    @property
    def latency_s(self) -> float:
        return round(drawn("latency", dice("latency", self.job_id)), 1)

    @property
    def reached(self) -> int:
        """How many recipients were sent to: a job that fails or is cancelled got half way."""
        count = len(self.order["recipients"])
        return count // 2 if self.ending in ("failed", "cancelled") else count

    def status(self, progress: float) -> str:
        """The word for a job that has gone so far (share 0..1)."""
        if self.ending == "odd":
            return "COMPLETED" if progress >= 1 else "AWAITING_REVIEW"
        if progress < 1 or self.ending == "never":
            return "queued" if progress < 0.15 else "processing"
        return self.ending


def story(
    seed: int, job: Job, epoch: datetime, *, event_ids: bool = True, drift: Drift | None = None
) -> Story:
    """Everything that will be told about a job: some of it twice, some late, some odd."""
    told, created = Story(), epoch + timedelta(seconds=job.offset_s)
    tracking = job.order.get("tracking") or {}
    silent = {kind for kind, switch in SWITCHES.items() if not tracking.get(switch, True)}
    second_of_day = created.hour * 3600 + created.minute * 60 + created.second
    for number, row in enumerate(job.order["recipients"][: job.reached]):
        address, merge = row["toAddress"], json.dumps(row.get("mergeFields") or {}, sort_keys=True)
        letter = Letter(
            job.order["subject"],
            job.order["templateId"],
            merge,
            job.nths[number] if job.nths else 0,
        )
        steps = life(seed, address, letter, second_of_day=second_of_day, drift=drift)
        told.delivered += any(step.kind == "delivery" for step in steps)
        who = {
            "jobId": job.job_id,
            "messageId": uuid_of(job.job_id, address.lower()),
            "recipientId": uuid_of(seed, "recipient", address.lower()),
            "emailAddress": address,
        }
        rng = dice(seed, job.job_id, address, "wire")
        for event in _wired(
            [step for step in steps if step.kind not in silent], who, created, event_ids, rng
        ):
            told.counts[event[1]] += 1
            told.events.append(event)
            if rng.random() < TWICE:
                told.counts["duplicates"] += 1
                told.events.append((min(event[0] + 1 + 600 * rng.random(), HORIZON_S), *event[1:]))
    told.events.sort()
    return told


def _wired(
    steps: list[Happening], who: dict[str, str], created: datetime, event_ids: bool, rng: Random
) -> Iterator[Told]:
    for number, step in enumerate(steps):
        kind = (
            "forward"
            if step.kind == "open" and number > 2 and rng.random() < FORWARD
            else step.kind
        )
        event = {"eventType": kind, **who, **_facts(step, created, rng)}
        if event_ids:
            event = {"eventId": uuid_of(who["messageId"], number), **event}
        wire = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        yield min(step.after_s + drawn("lag", rng), HORIZON_S), kind, wire


def _facts(step: Happening, created: datetime, rng: Random) -> dict[str, Any]:
    at = created + timedelta(milliseconds=round(step.after_s * 1000))
    if rng.random() < OTHER_ZONE:
        at = at.astimezone(timezone(timedelta(hours=2)))
    facts: dict[str, Any] = {"timestamp": iso(at, "milliseconds")}
    if step.kind == "bounce":
        facts |= {"bounceCode": step.code, "bounceDescription": step.text}
    if step.link:
        facts["linkUrl"] = step.link
    if step.agent:
        facts |= {"userAgent": step.agent, "ipAddress": step.ip}
    if rng.random() < ODD_FIELD:
        facts["deliveryZone"] = {"name": "eu-2", "pool": None}
    return facts


Text = Annotated[str, Field(min_length=1, max_length=998)]
Uuid = Annotated[str, Field(pattern=r"(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Address = Annotated[str, Field(pattern=r"^\S+@[^@\s]*\.[^@\s]*$")]


class Row(BaseModel, strict=True):
    """A recipient of an order, as the contract has it."""

    toAddress: Address
    mergeFields: dict[str, str] | None = None
    tags: list[str] | None = None


class Order(BaseModel, strict=True):
    """The body of a submit, as the contract has it."""

    subject: Text
    templateId: Uuid
    senderAddress: Address
    recipients: Annotated[list[Row], Field(min_length=1, max_length=1000)]
    tracking: dict[str, bool] | None = None


def faults_of(order: Any) -> dict[str, str]:
    """What is wrong with an order: field -> why."""
    try:
        Order.model_validate(order)
    except ValidationError as refused:
        return {
            _field(*fault["loc"]): fault["msg"]
            for fault in refused.errors(include_url=False, include_input=False)
        }
    return {}


def _field(name: str | int = "$", number: str | int | None = None, *inside: str | int) -> str:
    return f"{name}[{number}].{inside[0]}" if name == "recipients" and inside else str(name)


def uuid_of(*parts: object) -> str:
    return str(uuid.UUID(hex=digest(*parts)[:32]))


def iso(at: datetime, spec: str = "seconds") -> str:
    return at.isoformat(timespec=spec).replace("+00:00", "Z")
