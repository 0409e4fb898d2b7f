"""
The past of the same world: earlier campaigns with an ordinary spread, one with a bad list, one with
a reputation block.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cxtools.simulator.dice import dice, draw_below, uuid_of
from cxtools.simulator.jobs import Job
from cxtools.simulator.life import Drift
from cxtools.simulator.people import recipient
from cxtools.simulator.setup import Setup
from cxtools.simulator.stories import tell_story

BATCH = 1000
#: Seconds between two batches of a campaign.
PAUSE_S = 40
#: The list grew by so many recipients from one campaign to the next.
GROWTH = 120
#: After these days the campaigns repeat.
CYCLE_DAYS = 168


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


class Mailing(NamedTuple):
    """When an earlier campaign went out, under which name, and to which rows of the list."""

    campaign: Campaign
    name: str
    sent_at: datetime
    numbers: range


def write_history(setup: Setup, out: Path, *, campaigns: int, recipients: int) -> Iterator[Path]:
    """
    One file of events per earlier campaign, oldest first, named year-month-word; yields the paths.
    """
    out.mkdir(parents=True, exist_ok=True)
    for number in reversed(range(campaigns)):
        first = (campaigns - number) * GROWTH
        mailing = _mailing(setup, number, range(first, first + recipients))
        path = out / f"{mailing.name}.jsonl"
        with path.open("wb") as file:
            for wire in _events(setup, mailing):
                file.write(wire + b"\n")
        yield path


def _mailing(setup: Setup, number: int, numbers: range) -> Mailing:
    """
    Each campaign mails a later window of the recipient list, as lists grow at one end and shrink at
    the other.
    """
    cycle, place = divmod(number, len(CAMPAIGNS))
    campaign = CAMPAIGNS[place]
    days = campaign.days_before + CYCLE_DAYS * cycle
    half_hours = draw_below(9, dice(setup.seed, campaign.word, days))
    before = timedelta(days=days, minutes=30 * half_hours - 60)
    sent_at = datetime.fromisoformat(setup.epoch).astimezone(UTC) - before
    name = f"{sent_at:%Y-%m}-{campaign.word}"
    return Mailing(campaign, name, sent_at, numbers)


def _events(setup: Setup, mailing: Mailing) -> Iterator[bytes]:
    starts = range(0, len(mailing.numbers), BATCH)
    for batch, start in enumerate(starts):
        numbers = mailing.numbers[start : start + BATCH]
        people = [recipient(setup.seed, number) for number in numbers]
        order = {
            "subject": mailing.campaign.subject,
            "templateId": uuid_of(mailing.name, "template"),
            "recipients": [
                {"toAddress": row["email"], "mergeFields": {"firstName": row["firstName"]}}
                for row in people
            ],
        }
        job_id = uuid_of(setup.seed, mailing.name, batch)
        job = Job(job_id, order, offset_s=batch * PAUSE_S)
        story = tell_story(
            setup.seed,
            job,
            mailing.sent_at,
            drift=mailing.campaign.drift,
            event_ids=not setup.no_event_ids,
        )
        for event in story.events:
            yield event.wire
