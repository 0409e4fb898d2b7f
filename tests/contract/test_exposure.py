"""What must not be seen: secrets, tokens and addresses in errors, logs and objects."""

from __future__ import annotations

import logging
import pickle
import traceback

import pytest

from cxtools.api.client import Client
from cxtools.api.redaction import Masked
from cxtools.api.transport import Counters
from cxtools.errors import (
    CxError,
)
from cxtools.settings import Secret, Settings
from tests.contract.api import (
    ADDRESS,
    BEARER,
    CLEAR,
    MESSAGES,
    SECRET,
    SUPPRESSIONS,
    TOKEN,
    Clock,
    label,
    new_client,
)
from tests.fault_server import Fault, FaultServer, Reply, Step


def visible(error: BaseException) -> str:
    """
    All that a careless program could print of an error: its text, the chain, and the locals of
    every frame in the package.
    """
    texts: list[str] = []
    waiting = [error]
    while waiting:
        link = waiting.pop()
        texts += [repr(link), str(link), repr(vars(link))]
        waiting += [part for part in (link.__cause__, link.__context__) if part is not None]
    captured = traceback.TracebackException.from_exception(error, capture_locals=True)
    texts += [repr(frame.locals) for frame in captured.stack if "cxtools" in frame.filename]
    return "".join(texts)


def attributes(thing: object) -> str:
    """What a debugger shows of an object of ours, of those that it holds, and so on."""
    texts: list[str] = []
    waiting = [thing]
    known: list[object] = []
    while waiting:
        inner = waiting.pop()
        if inner in known or not type(inner).__module__.startswith("cxtools."):
            continue
        known.append(inner)
        values = vars(inner) if hasattr(inner, "__dict__") else {}
        texts.append(repr(values))
        waiting += values.values()
    return "".join(texts)


ECHO = {"Message": f"who is {ADDRESS} with {SECRET} and {BEARER}?"}


@pytest.mark.parametrize(
    "reply",
    [
        Reply(400, ECHO),
        Reply(403, ECHO),
        Reply(429, ECHO),
        Reply(503, ECHO),
        Fault("reset"),
        Fault("cut_body"),
        Fault("html"),
    ],
    ids=label,
)
def test_C02_C03_errors_show_no_secret(server: FaultServer, reply: Step) -> None:
    """
    C02, C03: not in the text, the chain or the frames of any error, even where the server echoes
    what it was sent.
    """
    server.script(SUPPRESSIONS, reply)
    server.script(MESSAGES, reply)
    client = new_client(server, Clock())
    with pytest.raises(CxError) as raised:
        client.fetch_suppression(ADDRESS)
    outcome = client.submit(b'{"toAddress": "c4nary.jane@example.com"}', idempotency_key="k")
    shown = visible(raised.value) + repr(outcome) + repr(client) + attributes(client)

    assert [] == [canary for canary in (SECRET, BEARER) if canary in shown]
    assert "_redaction" in shown
    assert ADDRESS not in str(raised.value) + repr(vars(raised.value))
    assert (None, None) == (raised.value.__cause__, raised.value.__context__)


@pytest.mark.parametrize(
    "reply",
    [Reply(401, ECHO), Reply(503, ECHO), Fault("reset"), Fault("html"), Reply(404, ECHO)],
    ids=label,
)
def test_C02_failed_sign_ins_show_no_secret(server: FaultServer, reply: Step) -> None:
    """C02: the client secret is on no line of anything that a failed sign-in leaves behind."""
    server.script(TOKEN, reply)
    with pytest.raises(CxError) as raised:
        new_client(server, Clock()).fetch_suppression(ADDRESS)

    assert SECRET not in visible(raised.value)


def test_logs_hold_no_address_and_no_secret(
    server: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Also with everything at DEBUG: urllib3 would log whole queries."""
    caplog.set_level(logging.DEBUG)
    server.script(SUPPRESSIONS, Reply(503), Reply(200, {"results": []}, {"Bad Header": "x"}))
    new_client(server, Clock()).fetch_suppression(ADDRESS)

    assert "/v1/communications/email/suppressions" in caplog.text
    assert [] == [canary for canary in (SECRET, BEARER, "c4nary.jane") if canary in caplog.text]


def test_a_client_stays_in_its_process() -> None:
    """Neither pickled nor shown in clear."""
    settings = Settings(
        env_url="https://api.example.com", client_id="me", client_secret=Secret(SECRET)
    )
    client = Client(settings)
    masked = Masked("Bearer x")
    with pytest.raises(TypeError):
        pickle.dumps(client)

    assert SECRET not in attributes(client)
    assert ["***", "***", "***"] == [repr(masked), str(masked), f"{masked}"]


def test_counters_add_up(server: FaultServer) -> None:
    """What was sent, repeated, throttled and signed in for, as the server saw it."""
    server.script(SUPPRESSIONS, Reply(503), Reply(429, headers={"Retry-After": "1"}), CLEAR)
    client = new_client(server, Clock())
    client.fetch_suppression(ADDRESS)

    expected = Counters(requests=4, retries=1, throttled=1, token_fetches=1)
    assert expected == client.counters
    assert 4 == len(server.seen)
