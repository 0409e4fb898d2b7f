"""The submit: posted once, whatever network and server do, and never without an outcome."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from cxtools.api.outcome import PostOutcome
from tests.contract.api import (
    ACCEPTED,
    JOB,
    MESSAGES,
    QUEUED,
    SLOW,
    TOKEN,
    Clock,
    label,
    new_client,
    token,
)
from tests.fault_server import FAULTS, Fault, FaultServer, Reply, Step


def test_a_batch_is_posted_as_it_is_over_a_connection_of_its_own(server: FaultServer) -> None:
    """
    The exact bytes, the key, no kept connection: a reset by an idle server would look like a lost
    answer.
    """
    server.script(MESSAGES, ACCEPTED)
    server.script(JOB, QUEUED)
    client = new_client(server)
    client.fetch_job("j1")
    outcomes = [
        client.submit(b'{"n": 0}', idempotency_key="key-0"),
        client.submit(b'{"n": 1}', idempotency_key="key-1"),
    ]
    posts = server.asked(MESSAGES)
    connections = {seen.connection for seen in posts + server.asked(JOB)}

    expected = PostOutcome("accepted", "j1", status=202, trace_id="trace-7")
    assert [expected, expected] == outcomes
    assert [b'{"n": 0}', b'{"n": 1}'] == [post.body for post in posts]
    assert ["key-0", "key-1"] == [post.headers["idempotency-key"] for post in posts]
    assert {"close"} == {post.headers["connection"] for post in posts}
    assert 3 == len(connections)


class Post(NamedTuple):
    """What a POST meets, the outcome, and a part of its detail."""

    step: Step
    kind: str
    says: str


ELSEWHERE = {"Location": "/v1/else"}
#: name of the case -> what the POST meets and what becomes of it
ANSWERS = {
    "400": Post(Reply(400, {"error": {"code": "bad"}}), "refused", "bad"),
    "403": Post(Reply(403), "refused", "no reason given"),
    "404": Post(Reply(404), "refused", "no reason given"),
    "405": Post(Reply(405), "refused", "no reason given"),
    "413": Post(Reply(413), "refused", "no reason given"),
    "415": Post(Reply(415), "refused", "no reason given"),
    "422": Post(Reply(422), "refused", "no reason given"),
    "429": Post(Reply(429, headers={"Retry-After": "7"}), "limited", "no reason given"),
    "302": Post(Reply(302, headers=ELSEWHERE), "unknown", "no reason given"),
    "307": Post(Reply(307, headers=ELSEWHERE), "unknown", "no reason given"),
    "308": Post(Reply(308, headers=ELSEWHERE), "unknown", "no reason given"),
    "408": Post(Reply(408), "unknown", "no reason given"),
    "409": Post(Reply(409), "unknown", "no reason given"),
    "500": Post(Reply(500), "unknown", "no reason given"),
    "502": Post(Reply(502), "unknown", "no reason given"),
    "503": Post(Reply(503), "unknown", "no reason given"),
    "504": Post(Reply(504), "unknown", "no reason given"),
    "502-html": Post(Reply(502, b"<html><title>Oh</title></html>"), "unknown", "a web page: Oh"),
    "202-without-job-id": Post(Reply(202, {"status": "queued"}), "unknown", "a valid jobId"),
    # The ledger knows better: tests/unit/test_ledger.py.
    "202-job-id-seen-before": Post(ACCEPTED, "accepted", ""),
}
#: The faults that spoil the answer of a server which took the batch: all are unknown.
SPOILED = {
    # fault                    what the outcome says
    "close": "closed before the answer",
    "reset": "the connection was reset",
    "reset_before_body": "the connection was",
    "cut_status": "not HTTP",
    "cut_head": "closed before the answer",
    "cut_body": "cut off",
    "cut_body_without_length": "without a valid jobId",
    "cut_chunked": "cut off",
    "cut_gzip": "compressed body was cut off",
    "bad_gzip": "compressed body is damaged",
    "gzip_bomb": "longer than",
    "number": "without a valid jobId",
    "empty": "without a valid jobId",
    "html": "without a valid jobId: a web page",
    "no_http": "not HTTP",
}
POSTS = ANSWERS | {
    name: Post(Fault(name, ACCEPTED), "unknown", says) for name, says in SPOILED.items()
}


@pytest.mark.parametrize(("step", "kind", "says"), POSTS.values(), ids=POSTS)
def test_E04_a_submit_is_posted_once_whatever_happens(
    server: FaultServer, step: Step, kind: str, says: str
) -> None:
    """
    E04, and E01 E02 on our side: one POST per call, also for 307 and 503, and an outcome instead of
    an error.
    """
    server.script(MESSAGES, step)
    outcome = new_client(server).submit(b"{}", idempotency_key="k")
    posts = [f"POST {seen.path}" for seen in server.seen if seen.method == "POST"]

    assert kind == outcome.kind
    assert says in outcome.detail
    assert [TOKEN, MESSAGES] == posts


def test_each_fault_of_the_server_has_its_row() -> None:
    """Every fault spoils a submit above, or is one that only a deadline ends."""
    assert set(FAULTS) == SLOW | set(SPOILED)


def test_E03_a_limited_submit_says_how_long_to_wait(server: FaultServer) -> None:
    """E03: not taken for certain; the wait is handed on, and the gate is shut for everybody."""
    server.script(MESSAGES, Reply(429, headers={"Retry-After": "7"}))
    server.script(JOB, QUEUED)
    clock = Clock()
    client = new_client(server, clock)
    outcome = client.submit(b"{}", idempotency_key="k")
    client.fetch_job("j1")

    assert ("limited", 7.0) == (outcome.kind, outcome.retry_after_s)
    assert [7.0] == clock.waits_s


def test_C05_a_submit_refused_for_its_token_is_posted_once_more(server: FaultServer) -> None:
    """
    C05: a 401 comes before the request is looked at; with a fresh token it is sent again, and only
    then.
    """
    server.script(TOKEN, token("t1"), token("t2"))
    server.script(MESSAGES, Reply(401), ACCEPTED)
    outcome = new_client(server).submit(b"{}", idempotency_key="k")

    assert "accepted" == outcome.kind
    assert ["Bearer t1", "Bearer t2"] == [
        seen.headers["authorization"] for seen in server.asked(MESSAGES)
    ]


@pytest.mark.parametrize("status", [401, 403])
def test_a_submit_without_the_right_is_denied(server: FaultServer, status: int) -> None:
    """Two 401s or one 403: refused, and marked as a matter of rights."""
    server.script(MESSAGES, Reply(status, {"Message": "no"}))
    outcome = new_client(server).submit(b"{}", idempotency_key="k")

    assert ("refused", True, status) == (outcome.kind, outcome.denied, outcome.status)


@pytest.mark.parametrize(
    ("reply", "denied"),
    [(Reply(401), True), (Reply(503), False), (Fault("reset"), False)],
    ids=label,
)
def test_a_submit_without_a_token_was_not_sent(
    server: FaultServer, reply: Step, denied: bool
) -> None:
    """The sign-in failed: nothing was posted, for certain."""
    server.script(TOKEN, reply)
    outcome = new_client(server, Clock()).submit(b"{}", idempotency_key="k")

    assert ("not_sent", denied) == (outcome.kind, outcome.denied)
    assert [] == server.asked(MESSAGES)
