"""The story of a job: all events that its messages will ever have, some twice, late or odd."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any, NamedTuple

from cxtools.simulator.dice import dice, draw_seconds, uuid_of
from cxtools.simulator.jobs import Job
from cxtools.simulator.life import HORIZON_S, ORDINARY, Drift, Happening, Letter, life
from cxtools.simulator.nature import CURVES
from cxtools.simulator.wire import compact, iso

#: Kinds of events that an order can switch off, each by its switch.
SWITCHES = {"open": "enableOpens", "click": "enableClicks"}
# Shares of the events: told twice, with an unknown field, in another time zone, of an unknown kind.
TWICE = 0.008
ODD_FIELD = 0.004
OTHER_ZONE = 0.01
FORWARD = 0.02
SUMMER_TIME = timezone(timedelta(hours=2))
#: The first happenings of a message are never of an unknown kind.
NEVER_FORWARD = 3


class Told(NamedTuple):
    """An event: the age of its job in seconds from which it can be seen, its kind, its JSON."""

    age_s: float
    kind: str
    wire: bytes


@dataclass
class Story:
    """
    All events of a job in the order in which they can be seen, and what they add up to: distinct
    events by kind, and "duplicates".
    """

    events: list[Told] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    delivered: int = 0

    def tell(self, event: Told, word: str) -> None:
        self.counts[word] += 1
        self.events.append(event)


def tell_story(
    seed: int,
    job: Job,
    epoch: datetime,
    *,
    event_ids: bool = True,
    drift: Drift = ORDINARY,
) -> Story:
    """Everything that will be told about a job."""
    story = Story()
    created = epoch + timedelta(seconds=job.offset_s)
    silent = _silent_kinds(job)
    for number in range(job.reached):
        address = job.order["recipients"][number]["toAddress"]
        steps = life(
            seed,
            address,
            _letter(job, number),
            second_of_day=_second_of_day(created),
            drift=drift,
        )
        if any(step.kind == "delivery" for step in steps):
            story.delivered += 1
        who = {
            "jobId": job.job_id,
            "messageId": uuid_of(job.job_id, address.lower()),
            "recipientId": uuid_of(seed, "recipient", address.lower()),
            "emailAddress": address,
        }
        rng = dice(seed, job.job_id, address, "wire")
        heard = [step for step in steps if step.kind not in silent]
        for event in _tell(heard, who, created, event_ids, rng):
            story.tell(event, event.kind)
            if rng.random() < TWICE:
                later_s = 1 + 600 * rng.random()
                age_s = min(event.age_s + later_s, HORIZON_S)
                story.tell(event._replace(age_s=age_s), "duplicates")
    story.events.sort()
    return story


def _silent_kinds(job: Job) -> set[str]:
    tracking = job.order.get("tracking") or {}
    return {kind for kind, switch in SWITCHES.items() if not tracking.get(switch, True)}


def _letter(job: Job, number: int) -> Letter:
    merge_fields = job.order["recipients"][number].get("mergeFields") or {}
    return Letter(
        job.order["subject"],
        job.order["templateId"],
        json.dumps(merge_fields, sort_keys=True),
        job.nths[number] if job.nths else 0,
    )


def _second_of_day(moment: datetime) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def _tell(
    steps: list[Happening], who: dict[str, str], created: datetime, event_ids: bool, rng: Random
) -> Iterator[Told]:
    """The events of one message, as the API words them."""
    for number, step in enumerate(steps):
        kind = step.kind
        if kind == "open" and number >= NEVER_FORWARD and rng.random() < FORWARD:
            kind = "forward"
        event = {"eventType": kind, **who, **_facts(step, created, rng)}
        if event_ids:
            event = {"eventId": uuid_of(who["messageId"], number), **event}
        lag_s = draw_seconds(CURVES["lag"], rng)
        age_s = min(step.after_s + lag_s, HORIZON_S)
        yield Told(age_s, kind, compact(event))


def _facts(step: Happening, created: datetime, rng: Random) -> dict[str, Any]:
    at = created + timedelta(milliseconds=round(step.after_s * 1000))
    if rng.random() < OTHER_ZONE:
        at = at.astimezone(SUMMER_TIME)
    facts: dict[str, Any] = {"timestamp": iso(at, "milliseconds")}
    if step.kind == "bounce":
        facts["bounceCode"] = step.code
        facts["bounceDescription"] = step.text
    if step.link:
        facts["linkUrl"] = step.link
    if step.agent:
        facts["userAgent"] = step.agent
        facts["ipAddress"] = step.ip
    if rng.random() < ODD_FIELD:
        facts["deliveryZone"] = {"name": "eu-2", "pool": None}
    return facts
