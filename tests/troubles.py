"""
Campaigns as feeds tell of them, with one planted trouble or none, and the year before.

Everything is drawn from a seeded generator. A campaign without trouble differs from others as real
ones do: providers' shares, rates and list quality vary by more than chance.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cxtools.model import Event

START = datetime(2026, 9, 14, 9, tzinfo=UTC)
WEEK = timedelta(days=7)
PROVIDERS = {
    "gmail": ("gmail.com", 0.34),
    "microsoft": ("outlook.com", 0.2),
    "yahoo": ("yahoo.com", 0.12),
    "apple": ("icloud.com", 0.07),
    "gmx": ("gmx.net", 0.05),
}
COMPANIES = [f"company-{number}.example" for number in range(40)]
LINKS = [f"https://shop.example.com/page-{number}" for number in range(6)]

HARD = ("550 5.1.1", "user unknown")
SOFT = ("452 4.2.2", "mailbox full")
BLOCK = ("554 5.7.1", "message content rejected as spam")
UNDETERMINED = ("550 5.7.1", "delivery not authorized, message refused by policy")
LISTED = ("550 5.7.1", "Service unavailable, client host [192.0.2.9] blocked using Spamhaus")
UNAUTHENTICATED = ("550 5.7.26", "unauthenticated mail: neither SPF nor DKIM passed")


@dataclass(frozen=True)
class Person:
    """One recipient, and what becomes of the mail to them."""

    number: int
    domain: str
    bounce: tuple[str, str] | None = None
    is_opened: bool = False
    is_clicked: bool = False
    is_scanned: bool = False
    is_complained: bool = False
    is_unsubscribed: bool = False
    is_silent: bool = False


@dataclass(frozen=True)
class Rates:
    """What a campaign's messages meet, each a share."""

    hard: float = 0.007
    soft: float = 0.012
    block: float = 0.003
    undetermined: float = 0.004
    opened: float = 0.28
    clicked: float = 0.12
    scanned: float = 0.04
    complained: float = 0.0003
    unsubscribed: float = 0.002

    def varied(self, rng: random.Random, spread: float = 0.2) -> Rates:
        """The same for another campaign: each rate differs by about so much of itself."""
        changed = {name: rate * math.exp(rng.gauss(0, spread)) for name, rate in vars(self).items()}
        return Rates(**changed)


@dataclass(frozen=True)
class Mailing:
    """A campaign: its people, and when the feed ends."""

    people: list[Person] = field(default_factory=list)
    start: datetime = START
    last_at: datetime | None = None

    def events(self, rng: random.Random) -> list[Event]:
        """What the feed tells, in order of time."""
        known: list[Event] = []
        for person in self.people:
            known += _events_of(person, self.start, rng)
        if self.last_at is not None:
            known = [event for event in known if event.ts and event.ts <= self.last_at]
        return sorted(known, key=lambda event: (event.ts or START, event.event_id))


def mailing(
    rng: random.Random, size: int = 2500, rates: Rates | None = None, start: datetime = START
) -> Mailing:
    """A campaign without trouble."""
    usual = (rates or Rates()).varied(rng)
    return Mailing([_person(number, usual, rng) for number in range(size)], start)


def year_before(rng: random.Random, weeks: int = 12, decline: float = 0.0) -> Iterator[Mailing]:
    """Weekly campaigns before START; with a decline each has more dead addresses than the last."""
    for week in range(weeks, 0, -1):
        rot = decline * (weeks - week) / weeks
        rates = replace(Rates(), hard=Rates().hard + rot)
        yield mailing(rng, 1000, rates, START - week * WEEK)


def _person(number: int, rates: Rates, rng: random.Random) -> Person:
    return Person(
        number=number,
        domain=_domain(rng),
        bounce=_bounce(rates, rng),
        is_opened=rng.random() < rates.opened,
        is_clicked=rng.random() < rates.clicked / rates.opened,
        is_scanned=rng.random() < rates.scanned * rates.opened,
        is_complained=rng.random() < rates.complained,
        is_unsubscribed=rng.random() < rates.unsubscribed,
    )


def _domain(rng: random.Random) -> str:
    point = rng.random()
    for domain, share in PROVIDERS.values():
        point -= share
        if point < 0:
            return domain
    return rng.choice(COMPANIES)


def _bounce(rates: Rates, rng: random.Random) -> tuple[str, str] | None:
    point = rng.random()
    for answer, rate in (
        (HARD, rates.hard),
        (SOFT, rates.soft),
        (BLOCK, rates.block),
        (UNDETERMINED, rates.undetermined),
    ):
        point -= rate
        if point < 0:
            return answer
    return None


def _events_of(person: Person, start: datetime, rng: random.Random) -> Iterator[Event]:
    sent_at = start + timedelta(seconds=rng.uniform(0, 3600))
    yield _event(person, "sent", sent_at)
    if person.is_silent:
        return
    arrived_at = sent_at + timedelta(seconds=rng.expovariate(1 / 20))
    if person.bounce:
        code, text = person.bounce
        yield replace(_event(person, "bounce", arrived_at), bounce_code=code, bounce_text=text)
        return
    yield _event(person, "delivery", arrived_at)
    if person.is_scanned:
        for second, link in enumerate(LINKS):
            at = arrived_at + timedelta(seconds=second * 0.3)
            yield _click(person, at, link)
    yield from _what_people_do(person, arrived_at, rng)


def _what_people_do(person: Person, arrived_at: datetime, rng: random.Random) -> Iterator[Event]:
    opened_at = arrived_at + timedelta(hours=rng.lognormvariate(1.2, 1.6))
    if person.is_opened:
        yield _event(person, "open", opened_at)
    if person.is_opened and person.is_clicked:
        at = opened_at + timedelta(seconds=rng.uniform(5, 300))
        yield _click(person, at, rng.choice(LINKS))
    if person.is_unsubscribed:
        yield _event(person, "unsubscribe", opened_at + timedelta(minutes=5))
    if person.is_complained:
        yield _event(person, "complaint", opened_at + timedelta(minutes=9))


def _click(person: Person, at: datetime, link: str) -> Event:
    return replace(_event(person, "click", at, link), link_url=link)


def _event(person: Person, kind: str, at: datetime, link: str = "") -> Event:
    return Event(
        f"{person.number}-{kind}-{link}",
        kind,
        kind,
        job_id="j1",
        message_id=f"m{person.number}",
        email=f"p{person.number}@{person.domain}",
        recipient_id=f"p{person.number}",
        ts=at,
    )


# --- troubles ---


def block_provider(known: Mailing, rng: random.Random) -> Mailing:
    """Microsoft refuses most of the mail, and names Spamhaus half of the time."""
    share = rng.uniform(0.3, 0.9)

    def turned(person: Person) -> Person:
        if person.domain != "outlook.com" or rng.random() > share:
            return person
        return replace(person, bounce=rng.choice((LISTED, UNDETERMINED)))

    return replace(known, people=[turned(person) for person in known.people])


def kill_domain(known: Mailing, rng: random.Random) -> Mailing:
    """One company is gone: none of its addresses exists."""
    size = rng.randint(25, 60)
    return replace(
        known,
        people=[
            replace(person, domain="gone.example", bounce=HARD) if person.number < size else person
            for person in known.people
        ],
    )


def rot_list(known: Mailing, rng: random.Random) -> Mailing:
    """What a year without care comes to: addresses that are dead, mailboxes that are full."""
    share = rng.uniform(0.035, 0.08)
    return _with_bounces(known, HARD, share, rng)


def break_tracking(known: Mailing, rng: random.Random) -> Mailing:
    """Nobody's clicks are told, or nobody's opens and clicks."""
    are_opens_lost = rng.random() < 0.5
    return replace(
        known,
        people=[
            replace(
                person,
                is_clicked=False,
                is_scanned=False,
                is_opened=person.is_opened and not are_opens_lost,
            )
            for person in known.people
        ],
    )


def storm_with_scanners(known: Mailing, rng: random.Random) -> Mailing:
    """Scanners follow every link in a large part of the mail."""
    share = rng.uniform(0.1, 0.5)
    return replace(
        known,
        people=[
            replace(person, is_scanned=person.is_scanned or rng.random() < share)
            for person in known.people
        ],
    )


def fail_authentication(known: Mailing, rng: random.Random) -> Mailing:
    """The sender's own mail isn't authenticated: Gmail refuses some of it."""
    return _with_bounces(known, UNAUTHENTICATED, rng.uniform(0.02, 0.3), rng)


def complain(known: Mailing, rng: random.Random) -> Mailing:
    """Several times as many complaints as Google bears."""
    share = rng.uniform(0.006, 0.02)
    return replace(
        known,
        people=[
            replace(person, is_complained=person.is_complained or rng.random() < share)
            for person in known.people
        ],
    )


def cut_feed_short(known: Mailing, rng: random.Random) -> Mailing:
    """The feed ends in the first hours, or has lost what became of a part of the messages."""
    if rng.random() < 0.5:
        return replace(known, last_at=known.start + timedelta(hours=rng.uniform(0.3, 12)))
    share = rng.uniform(0.1, 0.6)
    return replace(
        known,
        people=[replace(person, is_silent=rng.random() < share) for person in known.people],
    )


def _with_bounces(
    known: Mailing, answer: tuple[str, str], share: float, rng: random.Random
) -> Mailing:
    return replace(
        known,
        people=[
            replace(person, bounce=answer) if rng.random() < share else person
            for person in known.people
        ],
    )


Trouble = Callable[[Mailing, random.Random], Mailing]
TROUBLES: tuple[Trouble, ...] = (
    block_provider,
    kill_domain,
    rot_list,
    break_tracking,
    storm_with_scanners,
    fail_authentication,
    complain,
    cut_feed_short,
)
