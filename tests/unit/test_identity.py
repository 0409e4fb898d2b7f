"""Events of one message are put together where that is unambiguous, whatever their names lack."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from cxtools.events.store import EventStore
from cxtools.measures.catalogue import QUESTIONS
from cxtools.measures.engine import Engine
from cxtools.measures.outcomes import outcomes
from cxtools.model import Event
from cxtools.verdicts.evidence import verdict_on
from cxtools.verdicts.sentences import TOLD_BY_SENDING
from tests.oracle.answers import Oracle
from tests.tables import RECEIVED, ask, store
from tests.unit.test_oracle import check_answers, people

QUESTIONS_ASKED = [
    each.name for each in QUESTIONS.values() if not each.earlier and not each.derived
]

#: What happened; attempted, delivered, bounced, opened, clicked; events that could be anybody's.
CASES = {
    "an open without an id belongs to the only message of its address": (
        """
        to       | msg | kind     | at
        a@x.test | m1  | delivery | +1
        a@x.test | -   | open     | +2
        b@x.test | m2  | delivery | +1
        """,
        (2, 2, 0, 1, 0),
        0,
    ),
    "a late bounce without an id takes its delivery back": (
        """
        to       | msg | kind     | at | code
        a@x.test | m1  | delivery | +1 |
        a@x.test | -   | bounce   | +9 | 5.1.1
        b@x.test | m2  | delivery | +1 |
        """,
        (2, 1, 1, 0, 0),
        0,
    ),
    "an address with two messages: nobody can tell which one was opened": (
        """
        to       | msg | kind     | at | code
        a@x.test | m1  | delivery | +1 |
        a@x.test | m2  | delivery | +5 |
        a@x.test | -   | open     | +9 |
        a@x.test | -   | bounce   | +9 | 5.1.1
        """,
        (2, 2, 0, 0, 0),
        2,
    ),
    "an address that has no message keeps its own": (
        """
        to       | msg | kind     | at | code
        a@x.test | m1  | delivery | +1 |
        z@x.test | -   | bounce   | +9 | 5.1.1
        """,
        (2, 1, 1, 0, 0),
        0,
    ),
    "a bounce from where the mail was forwarded to is its recipient's": (
        """
        to          | msg | kind     | at | code
        a@x.test    | m1  | delivery | +1 |
        old@y.test  | m1  | bounce   | +9 | 5.1.1
        b@x.test    | m2  | delivery | +1 |
        """,
        (2, 1, 1, 0, 0),
        0,
    ),
    "a message id that was sent to two people is not personal": (
        """
        to          | msg | kind     | at | code
        a@x.test    | m1  | delivery | +1 |
        b@x.test    | m1  | delivery | +1 |
        c@x.test    | m1  | bounce   | +1 | 5.1.1
        d@x.test    | m2  | delivery | +1 |
        e@x.test    | m2  | bounce   | +1 | 5.1.1
        """,
        (5, 3, 2, 0, 0),
        0,
    ),
    "an id on one side and the address on the other": (
        """
        to       | email    | msg | kind     | at
        ann      | a@x.test | m1  | delivery | +1
        a@x.test | a@x.test | m1  | open     | +2
        a@x.test | a@x.test | m1  | click    | +3
        bob      | b@x.test | m1  | delivery | +1
        """,
        (2, 2, 0, 1, 1),
        0,
    ),
    "one row with an id doesn't mix up the sendings of the others": (
        """
        to       | msg | kind     | at
        a@x.test | -   | sent     | +0
        a@x.test | -   | open     | +60
        a@x.test | -   | sent     | +9000
        b@x.test | m1  | sent     | +0
        """,
        (3, 3, 0, 1, 0),
        0,
    ),
    "a delivery that could be of two messages tells nothing of the others": (
        """
        to       | msg | kind     | at
        a@x.test | m1  | sent     | +0
        a@x.test | m2  | sent     | +0
        a@x.test | -   | delivery | +5
        """,
        (2, 2, 0, 0, 0),
        1,
    ),
    "what was taken and then left out by the platform wasn't sent": (
        """
        to       | msg | kind       | at
        a@x.test | m1  | sent       | +0
        b@x.test | m2  | sent       | +0
        b@x.test | m2  | suppressed | +5
        """,
        (1, 1, 0, 0, 0),
        0,
    ),
    "no message ids at all: an event belongs to the last sending before it": (
        """
        to       | msg | kind   | at    | code
        a@x.test | -   | sent   | +0    |
        a@x.test | -   | open   | +60   |
        a@x.test | -   | sent   | +9000 |
        a@x.test | -   | bounce | +9001 | 5.1.1
        b@x.test | -   | sent   | +0    |
        b@x.test | -   | sent   | +20   |
        b@x.test | -   | open   | +9001 |
        a@x.test | -   | open   |       |
        """,
        (3, 2, 1, 2, 0),
        1,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_message_has_its_events(name: str) -> None:
    """The funnel counts each message once, and what could be anybody's not at all."""
    text, expected, unattributed = CASES[name]
    target = store(text)

    [row] = ask("funnel", target).to_dict("records")
    quality = ask("data_quality", target).set_index("check")["count"]

    columns = ["attempted", "delivered", "bounced", "opened", "clicked"]
    assert expected == tuple(row[column] for column in columns)
    assert unattributed == quality["unattributed"]


def test_events_without_a_recipient_belong_to_the_only_one_of_their_message() -> None:
    """Where it went to several, nobody can tell whose it is; where nobody is known, it is one more."""
    happened = [
        event("m1", "", "a@x.test", "delivery", 1),
        event("m1", "", "", "bounce", 5),
        event("m2", "", "b@x.test", "delivery", 1),
        event("m2", "", "c@x.test", "delivery", 1),
        event("m2", "", "", "open", 5),
        event("m9", "", "", "bounce", 5),
    ]

    row = funnel_of(happened)

    assert (4, 2, 2, 0) == (row["attempted"], row["delivered"], row["bounced"], row["opened"])


def test_a_row_of_somebody_takes_nothing_from_messages_without_recipients() -> None:
    """Where most events name the message only, it stands for its recipient."""
    happened = [
        event("m1", "", "", "sent", 0),
        event("m2", "", "", "sent", 0),
        event("m1", "", "", "delivery", 1),
        event("m2", "", "", "delivery", 1),
        event("", "", "z@x.test", "unsubscribe", 9),
    ]

    row = funnel_of(happened)

    assert (2, 2) == (row["attempted"], row["delivered"])


def funnel_of(happened: Sequence[Event]) -> dict[str, Any]:
    """The funnel of one campaign with these events."""
    target = EventStore(Path(tempfile.mkdtemp()) / "events")
    target.add("c", happened, source="test", received_at=RECEIVED)
    [row] = ask("funnel", target).to_dict("records")
    return {str(name): value for name, value in row.items()}


def event(message_id: str, recipient_id: str, email: str, kind: str, at: float | None) -> Event:
    """An event, so many seconds after a moment; None: it has none."""
    moment = None if at is None else datetime(2026, 9, 14, tzinfo=UTC) + timedelta(seconds=at)
    names = f"{message_id}/{recipient_id}/{email}/{kind}/{at}"
    code = "5.1.1" if kind == "bounce" else ""
    return Event(
        names,
        kind,
        kind,
        job_id="j1",
        message_id=message_id,
        recipient_id=recipient_id,
        email=email,
        ts=moment,
        bounce_code=code,
        link_url="https://shop.example/new" if kind == "click" else "",
    )


def half_named_events(random: Random, has_message_ids: bool, is_personal: bool) -> Iterator[Event]:
    """Events of twelve people, whose names lack something now and then."""
    kinds = ["sent", "delivery", "bounce", "open", "click", "complaint"]
    for _ in range(80):
        person = random.randrange(12)
        mailing = random.randrange(2)
        message_id = f"m{person}-{mailing}" if is_personal else f"m{person // 2}"
        address = random.choice([f"p{person}@x.test"] * 9 + [f"p{person}@forwarded.test"])
        forwarded = address.endswith("forwarded.test")
        named = message_id if has_message_ids and random.random() < 0.8 else ""
        recipient_id = f"r{person}" if random.random() < 0.3 and not forwarded else ""
        email = address if random.random() < 0.8 else ""
        if not (named or recipient_id or email):
            continue
        kind = random.choice(["open", "click", "bounce"] if forwarded else kinds)
        at = None if random.random() < 0.05 else random.randrange(200) * 40.0
        yield event(named, recipient_id, email, kind, at)


@pytest.mark.parametrize(
    ("has_message_ids", "is_personal"),
    [(True, True), (True, False), (False, True)],
)
def test_events_that_come_bit_by_bit(
    has_message_ids: bool,
    is_personal: bool,
    tmp_path: Path,
) -> None:
    """Whatever was known when the layer was first made, it says what the raw events say."""
    random = Random(1)
    happened = list(half_named_events(random, has_message_ids, is_personal))
    happened = [replace(each, event_id=f"e{number}") for number, each in enumerate(happened)]
    target = EventStore(tmp_path / "events")
    for start in range(0, len(happened), 40):
        chunk = happened[start : start + 40]
        target.add("c", chunk, source="test", received_at=RECEIVED)
        check_answers(target, ["funnel", "data_quality"])

    check_answers(target, QUESTIONS_ASKED)
    check_answers(target, QUESTIONS_ASKED, as_of=timedelta(seconds=4000))
    truth = people(Oracle(target).outcomes("c", ["j1"]))
    rows = [row | {"job_id": "j1"} for row in outcomes(Engine(target), "c", ["j1"])["j1"]]
    assert truth == people(rows)


#: Feeds that tell less; attempted, delivered, bounced, opened; the campaign's word.
TOLD = {
    "deliveries": (
        """
        to       | kind     | at | code
        a@x.test | sent     | +0 |
        a@x.test | delivery | +1 |
        b@x.test | sent     | +0 |
        c@x.test | bounce   | +1 | 5.1.1
        a@x.test | open     | +9 |
        """,
        (2, 1, 1, 1),
        "TOO FEW",
    ),
    "sendings and bounces": (
        """
        to       | kind     | at | code
        a@x.test | sent     | +0 |
        b@x.test | sent     | +0 |
        c@x.test | bounce   | +1 | 5.1.1
        a@x.test | open     | +9 |
        """,
        (3, 2, 1, 1),
        "TOO FEW",
    ),
    "bounces and opens": (
        """
        to       | kind     | at | code
        c@x.test | bounce   | +1 | 5.1.1
        a@x.test | open     | +9 |
        """,
        (0, 0, 1, 1),
        "NO DATA",
    ),
    "opens": (
        """
        to       | kind | at
        a@x.test | open | +9
        b@x.test | open | +9
        """,
        (0, 0, 0, 2),
        "NO DATA",
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_a_feed_does_not_tell_is_not_counted_against_it(name: str) -> None:
    """Without deliveries what was sent is the whole; without either there is no rate."""
    text, expected, word = TOLD[name]
    target = store(text)

    [row] = ask("funnel", target).to_dict("records")

    columns = ["attempted", "delivered", "bounced", "opened"]
    assert expected == tuple(row[column] for column in columns)
    said = verdict_on(Engine(target), "c")
    assert word == said.word
    assert (name == "sendings and bounces") == (TOLD_BY_SENDING in said.sentences)
