"""
Suppression checks that the API answered are kept: neither a kill nor a refused send asks again for
them, and an answer that is too old does not count.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from cxtools.connection import Connection
from cxtools.errors import Denied
from cxtools.identity import recipient_key
from cxtools.ledger.answers import Answer
from cxtools.ledger.ledger import Ledger
from cxtools.sending.campaign import Campaign
from tests.conftest import Simulator
from tests.fault_server import FaultServer
from tests.proof.ground import NAME, SPEC, connection
from tests.proof.killer import shift

PEOPLE = [f"p{number}@acme-01.example" for number in range(120)]
KEYS = [recipient_key(address) for address in PEOPLE]
SUPPRESSED = PEOPLE[:3]
#: Answers that the ledger holds when the sender is killed, or more.
ENOUGH = 30
#: What a killed process had asked has arrived at the simulator after so long.
UNDER_WAY_S = 0.5
ACCOUNT = "https://api.example|client"

SENDER = """
import sys
from pathlib import Path
from tests.proof.ground import connection
from tests.proof.test_answers import campaign

connection(sys.argv[1], Path(sys.argv[2]), batch_size=120, workers=4).send(campaign())
"""


def campaign() -> Campaign:
    return Campaign.from_list(PEOPLE, name=NAME, **SPEC)


def asked(simulator: Simulator) -> int:
    """How many suppression checks the simulator saw."""
    return Counter(each["endpoint"] for each in simulator.control("log"))["suppressions"]


def kept(client: Connection) -> dict[str, Answer]:
    """The answers that the ledger holds on these people, whenever they came."""
    return client.ledger.answers.find(client.settings.account, KEYS, since=0, until=time.time())


@pytest.fixture
def connect(simulator: Simulator, home: Path) -> Callable[..., Connection]:
    """A connection to the simulator, one batch for everybody; keyword arguments are settings."""
    return lambda **given: connection(simulator.url, home, **{"batch_size": 120, **given})


def test_a_run_after_a_kill_does_not_ask_again_for_what_was_answered(
    simulator: Simulator, connect: Callable[..., Connection], home: Path
) -> None:
    """
    Kill -9 in the middle of the checks: the next run asks for the others alone, mails everybody
    once and nobody whom the first run had found to be suppressed.
    """
    simulator.reset(speed="inf", latency_ms=20)
    simulator.suppress(SUPPRESSED)
    client = connect()
    sender = subprocess.Popen(
        [sys.executable, "-c", SENDER, simulator.url, str(home)], cwd=Path(__file__).parents[2]
    )
    while len(kept(client)) < ENOUGH:
        assert sender.poll() is None, "the sender ended before it could be killed"
        time.sleep(0.01)
    os.kill(sender.pid, signal.SIGKILL)
    sender.wait()
    time.sleep(UNDER_WAY_S)
    answers = kept(client)
    asked_before = asked(simulator)
    status = client.send(campaign())
    mailed = [row for job in simulator.truth()["jobs"].values() for row in job["recipients"]]

    assert ENOUGH <= len(answers) < len(PEOPLE)
    assert len(PEOPLE) - len(answers) == asked(simulator) - asked_before
    assert ("completed", 3) == (status.state, status.recipients["suppressed"])
    assert sorted(PEOPLE[3:]) == sorted(mailed)
    assert {} == kept(client)


AGES = [
    # seconds until the next run    asked again
    (0, False),
    (890, False),
    (910, True),
]


@pytest.mark.parametrize(("later_s", "again"), AGES)
def test_a_refused_send_keeps_its_answers_for_as_long_as_they_count(
    simulator: Simulator, connect: Callable[..., Connection], later_s: float, again: bool
) -> None:
    """
    The POST is refused for lack of a right: the next run posts what was checked, and asks again only
    where a quarter of an hour has passed.
    """
    simulator.arm("missing_scope", count=None, endpoint="messages")
    with pytest.raises(Denied):
        connect().send(campaign())
    simulator.arm(None)
    client = connect()
    shift(client, later_s)
    status = client.send(campaign())

    assert "completed" == status.state
    assert len(PEOPLE) * (2 if again else 1) == asked(simulator)


def test_a_suppression_without_a_reason_is_one(home: Path) -> None:
    """
    Who the API called suppressed, even if it didn't say why, is left out as long as that answer
    counts.
    """
    one = Campaign.from_list(PEOPLE[:1], name=NAME, **SPEC)
    with FaultServer() as server:
        client = connection(server.url, home, crm_webhook_url="")
        answer = Answer(KEYS[0], "", answered_at=time.time())
        client.ledger.answers.keep(client.settings.account, [answer])
        status = client.send(one)

        assert ("nothing_to_send", 1) == (status.state, status.recipients["suppressed"])
        assert [] == server.seen


def test_answers_are_kept_by_account_and_moment(ledger_url: str, tmp_path: Path) -> None:
    """Another account's list is another list; of two answers the later one stays."""
    answers = Ledger(ledger_url, now=time.time, home=tmp_path).answers
    early, late = Answer("ann", "complaint", 100.0), Answer("ann", None, 200.0)
    other = Answer("bob", None, 150.0)
    answers.keep(ACCOUNT, [early, other])
    answers.keep(ACCOUNT, [early, late])

    assert {"ann": late} == answers.find(ACCOUNT, ["ann", "eve"], since=0, until=300)
    assert {} == answers.find("another", ["ann"], since=0, until=300)
    assert {} == answers.find(ACCOUNT, ["ann"], since=201, until=300)
    assert {} == answers.find(ACCOUNT, ["ann"], since=0, until=199)
    answers.forget_lapsed("another", before=300)
    answers.forget_lapsed(ACCOUNT, before=200)
    assert {"ann": late} == answers.find(ACCOUNT, ["ann", "bob"], since=0, until=300)
    answers.forget(ACCOUNT, ["ann"])
    assert {} == answers.find(ACCOUNT, ["ann"], since=0, until=300)


def test_many_answers_are_kept_at_once(ledger_url: str, tmp_path: Path) -> None:
    """More than one statement can take."""
    answers = Ledger(ledger_url, now=time.time, home=tmp_path).answers
    many = {f"key-{number}": Answer(f"key-{number}", None, 1.0) for number in range(1200)}
    answers.keep(ACCOUNT, list(many.values()))

    assert many == answers.find(ACCOUNT, many, since=0, until=2)
