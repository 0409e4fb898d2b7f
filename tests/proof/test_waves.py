"""Retry waves, sent for real: who is mailed again, when, how often, and who never."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cxtools.bounce.policy import MAILED_AGAIN
from cxtools.connection import Connection
from cxtools.errors import ConfigError, Refused
from cxtools.identity import recipient_key
from cxtools.ledger import schema
from cxtools.sending.campaign import Campaign
from tests import taxonomy
from tests.fault_server import Fault, FaultServer, Reply, Seen
from tests.proof.ground import DAY_S, NAME, SPEC, connection
from tests.proof.killer import shift

MAIL = "/v1/communications/email"
SENT_AT = datetime(2026, 9, 14, 8, tzinfo=UTC)
FULL, GONE, BLOCKED = (
    ("452 4.2.2", "mailbox full"),
    ("550 5.1.1", "user unknown"),
    ("550 5.7.1", "blocked by zen.spamhaus.org"),
)
TAKEN: tuple[str, ...] = ()


def address(who: str) -> str:
    return f"{who}@acme-01.example"


class World(FaultServer):
    """
    An API with jobs j1, j2, …; what becomes of whom stands in `news`: job -> person -> bounces, or
    TAKEN, in order of time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.posts: list[list[str]] = []
        self.news: dict[str, dict[str, list[tuple[str, ...]]]] = {}
        self.suppressed: set[str] = set()
        self.script(
            "POST /v1/oauth2/token", Reply(200, {"access_token": "t", "expires_in": 360000})
        )
        self.script(f"POST {MAIL}/messages", self.take)
        self.script(f"GET {MAIL}/suppressions", self.suppressions)
        self.script(f"GET {MAIL}/events", self.events)
        for job_id in (f"j{number}" for number in range(1, 9)):
            self.script(
                f"GET {MAIL}/jobs/{job_id}", Reply(200, {"jobId": job_id, "status": "completed"})
            )

    def take(self, seen: Seen) -> Reply:
        self.posts.append(
            sorted(
                each["toAddress"].partition("@")[0] for each in json.loads(seen.body)["recipients"]
            )
        )
        return Reply(202, {"jobId": f"j{len(self.posts)}", "status": "queued"})

    def suppressions(self, seen: Seen) -> Reply:
        email = seen.query["email"][0]
        return Reply(
            200,
            {
                "results": [{"emailAddress": email, "reason": "complaint"}]
                if email in self.suppressed
                else []
            },
        )

    def events(self, seen: Seen) -> Reply:
        job_id = seen.query["jobId"][0]
        rows = [
            self.event(job_id, who, said, number)
            for who, some in self.news.get(job_id, {}).items()
            for number, said in enumerate(some)
        ]
        return Reply(200, {"results": rows, "nextCursor": None})

    @staticmethod
    def event(job_id: str, who: str, said: tuple[str, ...], number: int) -> dict[str, str]:
        bounce = {"bounceCode": said[0], "bounceDescription": said[1]} if said else {}
        return {
            "eventType": "bounce" if said else "delivery",
            "jobId": job_id,
            "messageId": f"{job_id}-{who}",
            "recipientId": who,
            "emailAddress": address(who),
            "timestamp": (SENT_AT + timedelta(hours=number)).isoformat(),
            **bounce,
        }


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def connect(world: World, home: Path) -> Callable[..., Connection]:
    """A connection so many days later; keyword arguments are settings."""

    def open_connection(days: float = 0, **given: Any) -> Connection:
        client = connection(
            world.url, home, **{"crm_webhook_url": "", "patience_s": 4, "batch_size": 100, **given}
        )
        shift(client, days * DAY_S)
        return client

    return open_connection


def send(client: Connection, *people: str, **terms: Any) -> None:
    addresses = [address(who) for who in people]
    client.send(Campaign.from_list(addresses, name=NAME, **SPEC, **terms))


FATES: dict[str, tuple[list[tuple[str, ...]], str]] = {
    # who          what was said                       and so
    "full": ([FULL], "soft: mailbox_full"),
    "gone": ([GONE], "hard: invalid_recipient"),
    "blocked": ([BLOCKED], "block: reputation_block"),
    "there": ([TAKEN], "delivered"),
    "late": ([FULL, TAKEN], "delivered"),
    "nothing": ([], "no event yet"),
}


def test_a_wave_mails_soft_bounces_again_and_nobody_else(
    world: World, connect: Callable[..., Connection]
) -> None:
    """
    One call, one wave, really sent; the plan says of everyone why, or why not, with the address
    masked.
    """
    world.news["j1"] = {who: said for who, (said, _) in FATES.items()}
    send(connect(), *FATES)
    plan, _ = connect(days=1.1).retry(NAME, dry_run=True)
    planned, status = connect(days=1.1).retry(NAME)

    assert [["blocked", "full", "gone", "late", "nothing", "there"], ["full"]] == world.posts
    assert {"f***@acme-01.example": "soft: mailbox_full"} == {
        row["email"]: row["reason"] for row in plan.to_dict()["people"]
    }
    assert sorted(why for who, (_, why) in FATES.items() if who != "full") == sorted(
        row["reason"] for row in plan.to_dict()["left_out"]
    )
    assert plan == planned
    assert [0, 1] == [row["wave"] for row in status.batches]


def test_a_delivery_that_nobody_has_fetched_yet_is_fetched_first(
    world: World, connect: Callable[..., Connection]
) -> None:
    """
    The store says "mailbox full"; the API knows better by now, and is asked before anybody is
    mailed again.
    """
    world.news["j1"] = {"full": [FULL]}
    send(connect(), "full", "other")
    world.news["j1"] = {"full": [FULL, TAKEN]}
    plan, _ = connect(days=1.1).retry(NAME)

    assert ([], 1) == (plan.people, len(world.posts))


def test_who_is_suppressed_by_now_gets_no_second_mail(
    world: World, connect: Callable[..., Connection]
) -> None:
    """
    A wave asks for suppressions anew; whom it left out is not in the next one either.
    """
    world.news["j1"] = {"full": [FULL], "also": [FULL]}
    send(connect(), "full", "also")
    world.suppressed.add(address("full"))
    connect(days=1.1).retry(NAME)
    world.suppressed.clear()
    world.news["j2"] = {"also": [FULL]}
    plan, _ = connect(days=4).retry(NAME)

    assert [["also", "full"], ["also"], ["also"]] == world.posts
    assert ("f***@acme-01.example", "suppressed: complaint") in plan.left_out


def test_what_becomes_of_each_bounce_is_what_the_page_says(
    world: World, connect: Callable[..., Connection]
) -> None:
    """
    Three campaigns with one recipient for each row of the taxonomy's page: who is suppressed after
    the first, who is mailed again, and who is suppressed once it has happened three times.
    """
    # The API tells no class of a bounce.
    told = [case for case in taxonomy.CASES if not case.bounce_class]
    cases = {f"p{number}": case for number, case in enumerate(told)}
    bounces: dict[str, list[tuple[str, ...]]] = {
        who: [(case.code, case.text)] for who, case in cases.items()
    }
    at_once = {who for who, case in cases.items() if case.expected.suppress == "now"}
    repeated = {who for who, case in cases.items() if case.expected.suppress == "after_n"}
    suppressed: list[set[str]] = []
    for number in (1, 2, 3):
        client = connect(days=number)
        left = [who for who in cases if number == 1 or who not in suppressed[-1]]
        world.news[f"j{number}"] = {who: bounces[who] for who in left}
        people = [address(who) for who in cases]
        client.send(Campaign.from_list(people, name=f"c{number}", **SPEC))
        keys = {recipient_key(address(who)): who for who in cases}
        suppressed.append({keys[key] for key in client.ledger.suppressions.find(keys)})
    plan, _ = connect(days=9).retry("c1", dry_run=True)
    again = {who.email.partition("@")[0] for who, _ in plan.people}

    assert [at_once, at_once, at_once | repeated] == suppressed
    assert [sorted(cases), sorted(cases.keys() - at_once)] == world.posts[:2]
    assert {who for who, case in cases.items() if case.expected.retry in MAILED_AGAIN} == again


COOLDOWNS = [
    # waves sent before   days since the last one   too early?
    (0, 0.9, True),
    (0, 1.1, False),
    (1, 1.9, True),
    (1, 2.1, False),
    (2, 3.9, True),
    (2, 4.1, False),
]


@pytest.mark.parametrize(("waves", "days", "too_early"), COOLDOWNS)
def test_each_wave_waits_twice_as_long(
    world: World, connect: Callable[..., Connection], waves: int, days: float, too_early: bool
) -> None:
    """One day, two days, four days after the last POST."""
    world.news |= {f"j{number}": {"full": [FULL]} for number in range(1, 9)}
    send(connect(), "full")
    at = 0.0
    for wave in range(waves):
        at += 2.0**wave + 0.1
        connect(at).retry(NAME)
    if too_early:
        with pytest.raises(ConfigError, match=f"too early for wave {waves + 1}"):
            connect(at + days).retry(NAME)

    assert waves + 1 == len(world.posts)
    if not too_early:
        connect(at + days).retry(NAME)
        assert waves + 2 == len(world.posts)


TERMS: list[tuple[dict[str, Any], int, float, str]] = [
    # [retry]                              waves sent   days since   refused, "" = sent
    ({"cooldown_h": 1}, 0, 0.03, "too early for wave 1"),
    ({"cooldown_h": 1}, 0, 0.05, ""),
    ({"cooldown_h": 1}, 1, 0.07, "too early for wave 2"),
    ({"cooldown_h": 1}, 1, 0.1, ""),
    ({"cooldown_h": 0}, 0, 0, ""),
    ({"waves": 1}, 0, 9, ""),
    ({"waves": 1}, 1, 9, "has had its 1 retry wave"),
    ({"waves": 0}, 0, 9, "has had its 0 retry waves"),
    ({"waves": 5}, 4, 99, ""),
]


@pytest.mark.parametrize(("terms", "waves", "days", "said"), TERMS)
def test_the_spec_says_when_and_how_often_people_are_mailed_again(
    world: World,
    connect: Callable[..., Connection],
    terms: dict[str, Any],
    waves: int,
    days: float,
    said: str,
) -> None:
    """[retry]: the cooldown before the first wave, doubled for each further one, and the most."""
    world.news |= {f"j{number}": {"full": [FULL]} for number in range(1, 9)}
    send(connect(), "full", retry=terms)
    at = 0.0
    for wave in range(waves):
        at += terms.get("cooldown_h", 24) / 24 * 2.0**wave + 0.001
        connect(at).retry(NAME)
    if said:
        with pytest.raises(ConfigError, match=said):
            connect(at + days).retry(NAME)
    else:
        connect(at + days).retry(NAME)

    assert waves + (1 if said else 2) == len(world.posts)


def test_changed_terms_count_from_the_next_send(
    world: World, connect: Callable[..., Connection]
) -> None:
    """They aren't content: the campaign stays the same one, and its next wave obeys them."""
    world.news["j1"] = {"full": [FULL]}
    send(connect(), "full", retry={"waves": 0})
    with pytest.raises(ConfigError, match="0 retry waves"):
        connect(2).retry(NAME)
    send(connect(2), "full", retry={"waves": 1})
    connect(2).retry(NAME)

    assert [["full"], ["full"]] == world.posts


def test_a_send_with_the_same_terms_writes_nothing(
    world: World, connect: Callable[..., Connection]
) -> None:
    """Also where an earlier version planned it, whose specs held no [retry]."""
    send(connect(), "ann")
    ledger = connect().ledger
    spec = ledger.plans.spec(NAME)
    without = {key: value for key, value in spec.items() if key != "retry"}
    with ledger.writing() as tx:
        tx.execute(schema.campaign.update().values(spec=json.dumps(without)))
    send(connect(), "ann")

    assert without == ledger.plans.spec(NAME)
    assert [] == [each for each in ledger.audit_log.entries() if each.kind == "campaign.limits"]


def test_after_three_waves_it_is_over(world: World, connect: Callable[..., Connection]) -> None:
    """Never a loop: the fourth call is refused, however long one waits."""
    world.news |= {f"j{number}": {"full": [FULL]} for number in range(1, 9)}
    send(connect(), "full")
    for days in (10, 20, 30):
        connect(days).retry(NAME)
    with pytest.raises(ConfigError, match="has had its 3 retry waves"):
        connect(90).retry(NAME)

    assert 4 == len(world.posts)


def test_a_wave_of_which_nothing_is_heard_is_no_soft_bounce(
    world: World, connect: Callable[..., Connection]
) -> None:
    """
    The first wave bounced, the second is silent: perhaps it arrived, so nobody is mailed a third
    time.
    """
    world.news["j1"] = {"full": [FULL]}
    send(connect(), "full")
    connect(2).retry(NAME)
    plan, _ = connect(9).retry(NAME)

    assert ([], [("f***@acme-01.example", "no event yet")]) == (plan.people, plan.left_out)
    assert 2 == len(world.posts)


def test_whom_an_abandoned_batch_may_have_reached_is_not_mailed_again(
    world: World, connect: Callable[..., Connection]
) -> None:
    """
    Nobody knows whether the wave went out, and the operator gave it up: it counts as sent, for the
    people and for the cooldown.
    """
    world.news["j1"] = {"full": [FULL]}
    send(connect(), "full")
    world.script(f"POST {MAIL}/messages", Fault("reset"))
    connect(2).retry(NAME)
    [lost] = [row for row in connect(2).ledger.batches.rows(NAME) if row.state == "unknown"]
    with pytest.raises(ConfigError, match="isn't finished: batches are unknown"):
        connect(30).retry(NAME)
    connect(2).reconcile(lost.id, abandon=True)
    with pytest.raises(ConfigError, match="too early for wave 2"):
        connect(3).retry(NAME)
    plan, _ = connect(9).retry(NAME)

    assert ([], [("f***@acme-01.example", "given up; perhaps mailed, perhaps not")]) == (
        plan.people,
        plan.left_out,
    )
    assert 2 == len(world.asked(f"POST {MAIL}/messages"))


def test_a_refused_wave_reached_nobody(world: World, connect: Callable[..., Connection]) -> None:
    """Its people are judged by the wave before, and may be in the next one."""
    world.news["j1"] = {"full": [FULL]}
    send(connect(), "full")
    world.script(
        f"POST {MAIL}/messages",
        Reply(400, {"error": {"code": "bad", "message": "sender not verified"}}),
        world.take,
    )
    connect(2).retry(NAME)
    plan, _ = connect(9).retry(NAME)

    assert [address("full")] == [who.email for who, _ in plan.people]
    assert [["full"], ["full"]] == world.posts


def test_a_wave_is_not_planned_from_events_that_could_not_be_fetched(
    world: World, connect: Callable[..., Connection]
) -> None:
    """Where the events can't be had, nobody is mailed on old news."""
    world.news["j1"] = {"full": [FULL]}
    send(connect(), "full")
    world.script(f"GET {MAIL}/events", Reply(404))
    with pytest.raises(Refused):
        connect(2).retry(NAME)

    assert 1 == len(world.posts)


def test_what_is_not_sent_by_a_word_waits_for_a_day(
    world: World, connect: Callable[..., Connection]
) -> None:
    """
    A worker that was paused may still post: `--confirmed-not-sent` is refused for 24 h, then the
    batch goes out.
    """
    world.script(f"POST {MAIL}/messages", Fault("reset"), world.take)
    send(connect(), "ann")
    [lost] = connect().ledger.batches.rows(NAME)
    with pytest.raises(ConfigError, match="too early to say"):
        connect(0.9).reconcile(lost.id, reason="asked NICE")
    state = connect(1.1).reconcile(lost.id, reason="asked NICE")

    assert ("planned", "completed", [["ann"]]) == (
        state,
        connect(1.1).resume(NAME).state,
        world.posts,
    )


def test_a_job_of_another_size_can_not_be_what_a_batch_became(
    world: World, connect: Callable[..., Connection]
) -> None:
    """A mistyped id would let a batch that was never sent pass for sent."""
    world.script(f"POST {MAIL}/messages", Fault("reset"))
    world.script(
        f"GET {MAIL}/jobs/j7",
        Reply(200, {"jobId": "j7", "status": "completed", "totalRecipients": 3}),
    )
    send(connect(), "ann", "bob")
    [lost] = connect().ledger.batches.rows(NAME)
    with pytest.raises(ConfigError, match="job j7 has 3 recipients"):
        connect().reconcile(lost.id, job_id="j7")

    assert "unknown" == connect().status(NAME).state
