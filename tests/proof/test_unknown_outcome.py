"""
Unknown outcomes: when the same POST may be repeated, what its answers mean, and when a worker's
claim has ended.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cxtools.cli.exits import exit_code
from cxtools.connection import Connection
from cxtools.ledger import schema
from cxtools.ledger.workers import process_start
from cxtools.sending.campaign import Campaign
from cxtools.sending.send import write_plan
from cxtools.sending.status import Status
from tests.fault_server import Fault, FaultServer, Reply, Step
from tests.proof.ground import NAME, SPEC, connection

MAIL = "/v1/communications/email"
POST = f"POST {MAIL}/messages"
HOUR_S = 3600.0
PEOPLE = [f"p{number}@acme-01.example" for number in range(5)]
#: The way to see an answer lost: the connection is reset when the request is in.
LOST = Fault("reset")
TAKEN = Reply(202, {"jobId": "j1", "status": "queued"})


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """An API whose job j1 is completed, without events; only the POST is left to script."""
    with FaultServer() as server:
        server.script(
            "POST /v1/oauth2/token", Reply(200, {"access_token": "t", "expires_in": 3600})
        )
        server.script(f"GET {MAIL}/suppressions", Reply(200, {"results": []}))
        server.script(f"GET {MAIL}/jobs/j1", Reply(200, {"jobId": "j1", "status": "completed"}))
        server.script(f"GET {MAIL}/events", Reply(200, {"results": [], "nextCursor": None}))
        yield server


@pytest.fixture
def office(server: FaultServer, home: Path) -> Callable[..., Connection]:
    """A connection to that API, with little patience; keyword arguments are settings."""

    def connected(**given: Any) -> Connection:
        return connection(
            server.url,
            home,
            **{"crm_webhook_url": "", "patience_s": 4, "idempotency_window_s": HOUR_S, **given},
        )

    return connected


def sent(client: Connection) -> Status:
    return client.send(Campaign.from_list(PEOPLE, name=NAME, **SPEC))


AGAIN = [
    # what the repeated POST is answered                             state       POSTs
    ((TAKEN,), "completed", 2),
    ((Reply(409), TAKEN), "completed", 3),
    ((Reply(429, headers={"Retry-After": "1"}), LOST, TAKEN), "completed", 4),
    ((Reply(422),), "unknown", 2),
    ((Reply(400),), "unknown", 2),
    ((Reply(403),), "unknown", 2),
]


@pytest.mark.parametrize(("answers", "state", "posts"), AGAIN)
def test_a_lost_answer_is_asked_for_with_the_same_key_and_bytes(
    server: FaultServer,
    office: Callable[..., Connection],
    answers: tuple[Step, ...],
    state: str,
    posts: int,
) -> None:
    """
    409 and failures in passing: wait and ask again; a refusal of the repetition says nothing about
    the first POST, so the batch stays unknown and its quota used.
    """
    server.script(POST, LOST, *answers)
    client = office()
    status = sent(client)
    seen = server.asked(POST)
    [row] = client.ledger.batches.rows(NAME)

    assert (state, posts) == (status.state, len(seen))
    assert {(row.id, seen[0].body)} == {
        (each.headers["idempotency-key"], each.body) for each in seen
    }
    assert 5 == 1000 - client.ledger.quota.left(client.settings.account, 1000)
    assert () == client.ledger.audit_log.verify().faults


NEVER_AGAIN = [
    # the server's window                        and hours since the POST
    ({"idempotency_window_s": 0}, 0.0),
    ({"idempotency_window_s": HOUR_S}, 0.51),
    # a call may take 30 s: begun in the window's first half, it could arrive after its end
    ({"idempotency_window_s": 40}, 0.0),
]


@pytest.mark.parametrize(("given", "hours"), NEVER_AGAIN)
def test_no_window_or_half_of_it_over_means_never_again(
    server: FaultServer, office: Callable[..., Connection], given: dict[str, Any], hours: float
) -> None:
    """The batch stays unknown, listed with exit code 8, and is not posted again."""
    server.script(POST, LOST, TAKEN)
    sent(office(idempotency_window_s=0))
    client = office(**given)
    client.ledger.now = lambda: time.time() + hours * HOUR_S
    status = sent(client)

    assert ("unknown", 8, 5) == (status.state, exit_code(status), status.recipients["unknown"])
    assert 1 == len(server.asked(POST))


def test_a_later_run_may_still_ask(server: FaultServer, office: Callable[..., Connection]) -> None:
    """
    The window declared, the bytes on record: another process settles what the first one had to
    leave unknown.
    """
    server.script(POST, LOST, TAKEN)
    sent(office(idempotency_window_s=0))

    assert "completed" == sent(office()).state


def test_nothing_is_posted_when_the_claim_has_ended(
    server: FaultServer, office: Callable[..., Connection]
) -> None:
    """
    A worker that was paused between its claim and its POST must not send what others have taken
    over meanwhile.
    """
    server.script(POST, TAKEN)
    outcome = office().context.api.submit(b"{}", idempotency_key="k", leave_by=time.time() - 1)

    assert ("not_sent", []) == (outcome.kind, server.asked(POST))


def test_a_dead_worker_is_gone_though_its_parent_has_not_asked_for_it(
    server: FaultServer, office: Callable[..., Connection]
) -> None:
    """
    A zombie stands in the process table, for ever where nobody reaps; its claim ends with its life.
    """
    server.script(POST, LOST)
    client = office(idempotency_window_s=0)
    sent(client)
    worker = subprocess.Popen(["sleep", "60"])
    owner = (
        f"{client.ledger.posts.worker.rsplit(':', 2)[0]}:{worker.pid}:{process_start(worker.pid)}"
    )
    with client.ledger.writing() as tx:
        tx.execute(schema.batch.update().values(state="submitting", owner=owner))
    alive = client.ledger.unknown.recover()
    worker.kill()
    time.sleep(0.3)

    assert (0, 1) == (alive, client.ledger.unknown.recover())
    worker.wait()


def test_batches_are_as_large_as_the_settings_say(office: Callable[..., Connection]) -> None:
    """The dry run tells it, the plan does it."""
    client = office(batch_size=2)
    campaign = Campaign.from_list(PEOPLE, name=NAME, **SPEC)
    write_plan(client.context, campaign)

    assert ([2, 2, 1], [2, 2, 1]) == (
        client.dry_run(campaign).batches,
        [row.recipients for row in client.ledger.batches.rows(NAME)],
    )
