"""
The past of the same world: earlier campaigns with an ordinary spread, one with a bad list, one with
a reputation block.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cxtools.simulator.jobs import Job, story, uuid_of
from cxtools.simulator.people import Drift, dice, recipient
from cxtools.simulator.world import Setup

BATCH = 1000


class Campaign(NamedTuple):
    """
    An earlier campaign: its word, how many days before the epoch it went out, and what was special.
    """

    word: str
    days_before: int
    subject: str
    drift: Drift


CAMPAIGNS = (
    Campaign("newsletter", 14, "What we shipped in August", Drift(0.97)),
    Campaign("webinar", 24, "Live on Thursday: deliverability in practice", Drift(1.12)),
    Campaign(
        "launch",
        45,
        "The new release is here",
        Drift(1.2, block_share=0.42, blocked_at=("microsoft", "yahoo")),
    ),
    Campaign("newsletter", 66, "Six small things for a better July", Drift(0.95)),
    Campaign("event", 87, "We saved you a seat", Drift(0.9, stale_share=0.085)),
    Campaign("newsletter", 108, "May in review", Drift(1.02)),
    Campaign("survey", 129, "Two minutes, five questions", Drift(0.84)),
    Campaign("welcome", 150, "Good to have you here", Drift(1.3)),
)


def write_history(setup: Setup, out: Path, *, campaigns: int, recipients: int) -> Iterator[Path]:
    """
    One file of events per earlier campaign, oldest first, named year-month-word; yields the paths.
    """
    out.mkdir(parents=True, exist_ok=True)
    epoch = datetime.fromisoformat(setup.epoch).astimezone(UTC)
    for number in reversed(range(campaigns)):
        past = CAMPAIGNS[number % len(CAMPAIGNS)]
        days = past.days_before + 168 * (number // len(CAMPAIGNS))
        sent_at = epoch - timedelta(
            days=days, minutes=30 * int(dice(setup.seed, past.word, days).random() * 9) - 60
        )
        path = out / f"{sent_at:%Y-%m}-{past.word}.jsonl"
        with path.open("wb") as file:
            file.writelines(
                wire + b"\n"
                for wire in _events(
                    setup, past, sent_at, path.stem, recipients, (campaigns - number) * 120
                )
            )
        yield path


def _events(
    setup: Setup, past: Campaign, sent_at: datetime, name: str, count: int, first: int
) -> Iterator[bytes]:
    """
    Each campaign mails a later window of the recipient list, as lists grow at one end and shrink at
    the other.
    """
    for batch, start in enumerate(range(0, count, BATCH)):
        people = [
            recipient(setup.seed, number)
            for number in range(first + start, first + min(start + BATCH, count))
        ]
        rows = [
            {"toAddress": row["email"], "mergeFields": {"firstName": row["firstName"]}}
            for row in people
        ]
        order = {
            "subject": past.subject,
            "templateId": uuid_of(name, "template"),
            "recipients": rows,
        }
        job = Job(uuid_of(setup.seed, name, batch), order, offset_s=batch * 40)
        told = story(setup.seed, job, sent_at, drift=past.drift, event_ids=not setup.no_event_ids)
        yield from (wire for _, _, wire in told.events)
