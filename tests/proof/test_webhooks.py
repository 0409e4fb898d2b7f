"""
Webhooks on their way: where they may go, what becomes of each try, and that a slow CRM holds nobody
up.
"""

from __future__ import annotations

import ipaddress
import json
import random
import socket
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime, tzinfo
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import pytest
import standardwebhooks

from cxtools.api import wire
from cxtools.api.answer import Answer
from cxtools.api.client import Client
from cxtools.context import Context
from cxtools.errors import ConfigError
from cxtools.events.store import EventStore
from cxtools.ledger.ledger import Ledger
from cxtools.ledger.outbox import Webhook
from cxtools.measures.engine import Engine
from cxtools.settings import load_settings
from cxtools.simulated import SIMULATOR_ACCOUNT
from cxtools.webhooks import deliver
from cxtools.webhooks.allowed import is_public, resolver_for
from tests.fault_server import Fault, FaultServer, Reply, Seen

CONNECTED: list[str] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        CONNECTED.append(str(arguments[1][0]))


sys.addaudithook(_note)  # can't be taken away again, so there is one for all tests


@pytest.fixture
def connected() -> list[str]:
    """
    The addresses that sockets were connected to during this test, as the interpreter's own audit
    hook saw them.
    """
    CONNECTED.clear()
    return CONNECTED


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """
    A resolver for the test: name -> the answers to each look-up in turn, the last one from then on;
    other names go the usual way.
    """
    table: dict[str, list[list[str]]] = {}
    usual = socket.getaddrinfo

    def look_up(host: Any, port: Any, *rest: Any, **facts: Any) -> Any:
        if host not in table:
            return usual(host, port, *rest, **facts)
        answers = table[host].pop(0) if len(table[host]) > 1 else table[host][0]
        return [
            entry for address in answers for entry in usual(address, port, type=socket.SOCK_STREAM)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return table


def post(url: str, allowed: tuple[str, ...] = (), *, deadline_s: float = 3) -> Answer:
    """One POST along the way that webhooks take; the answer, or a ConfigError of the settings."""
    settings = load_settings(
        environ={}, crm_webhook_url=url, crm_allow_hosts=allowed, connect_timeout_s=0.5
    )
    with wire.open_session(
        settings, resolver=resolver_for(url, settings.crm_allow_hosts)
    ) as session:
        return wire.exchange(
            session,
            wire.request("POST", settings.crm_webhook_url, {}, b"{}"),
            deadline_s=deadline_s,
        )


FORBIDDEN = """
    127.0.0.1 127.1 127.0.0.53 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001 127.0.0.1. 0 0.0.0.0 0.1.2.3
    10.0.0.1 10.255.255.255 0xa.1 172.16.0.1 172.31.255.254 192.168.0.1 192.168.1 3232235777
    169.254.0.1 169.254.169.254 2852039166 0xa9fea9fe 0251.0376.0251.0376 169.254.170.2 168.63.129.16 100.100.100.200 192.0.0.192
    100.64.0.1 100.127.255.254 192.0.0.8 192.0.2.1 192.88.99.1 198.18.0.1 198.51.100.7 203.0.113.9
    224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
    [::] [::1] [0:0:0:0:0:0:0:1] [::127.0.0.1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:169.254.169.254] [::ffff:8.8.8.8] [::ffff:0:7f00:1]
    [64:ff9b::7f00:1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::1] [2002:7f00:1::] [2002:a9fe:a9fe::1] [2001::1] [2001:0:7f00:1::1] [2001:20::1] [2001:db8::1]
    [3fff::1] [fc00::1] [fd00:ec2::254] [fe80::1] [fe80::a9fe:a9fe] [fec0::1] [ff02::1] [ff05::1:3] [100::1] [5f00::1]
    localhost localhost. localhost6 ip6-localhost ip6-loopback
""".split()  # noqa: SIM905 - nobody could read it as a list


@pytest.mark.parametrize("host", FORBIDDEN)
def test_no_form_of_a_forbidden_address_is_connected_to(host: str, connected: list[str]) -> None:
    """
    S09: loopback, private, link-local, metadata, carrier NAT, NAT64, 6to4, Teredo, multicast and
    IPv4 in disguise, however written.
    """
    answer = post(f"https://{host}/hook")

    assert "not_sent" == answer.fault
    assert (
        "where no webhook may go" in answer.reason or answer.reason == "the host name is not known"
    )
    assert [] == connected


def test_a_public_address_passes() -> None:
    """
    The rule lets the open internet through, in both families; what is barred above isn't barred by
    barring everything.
    """
    texts = [
        "8.8.8.8",
        "1.1.1.1",
        "93.184.216.34",
        "172.32.0.1",
        "192.167.255.255",
        "100.128.0.1",
        "2606:4700::1111",
        "2a00:1450:4001::1",
    ]

    assert [] == [text for text in texts if not is_public(ipaddress.ip_address(text))]


def test_every_address_of_a_name_must_be_allowed(
    names: dict[str, list[list[str]]], connected: list[str]
) -> None:
    """
    A name with one public and one internal address isn't gambled on, in whichever order they come.
    """
    names["mixed.example"] = [["8.8.8.8", "10.0.0.7"], ["10.0.0.7", "8.8.8.8"]]

    assert ["mixed.example is at 10.0.0.7, where no webhook may go"] * 2 == [
        post("https://mixed.example").reason.partition(";")[0] for _ in range(2)
    ]
    assert [] == connected


def test_a_name_is_looked_up_once(names: dict[str, list[list[str]]], connected: list[str]) -> None:
    """
    DNS rebinding: the second answer, which would be this machine, is never asked for; the socket
    goes to the address that was checked.
    """
    names["rebind.example"] = [["203.0.113.5"], ["127.0.0.1"]]
    with FaultServer() as server:
        port = int(server.url.rpartition(":")[2])
        answer = post(f"https://rebind.example:{port}/hook", ("203.0.113.0/24",))

        assert "not_sent" == answer.fault
        assert ["203.0.113.5"] == connected
        assert [] == server.seen
    assert 1 == len(names["rebind.example"])


def test_the_first_address_that_answers_is_taken(
    names: dict[str, list[list[str]]], connected: list[str]
) -> None:
    """
    Two checked addresses: where nobody listens at the first, the second is tried; the request still
    names the host.
    """
    names["localhost"] = [["127.0.0.2", "127.0.0.1"]]
    with FaultServer() as server:
        server.script("POST /hook", Reply(200, {}))
        answer = post(server.url.replace("127.0.0.1", "localhost") + "/hook")

        assert (200, ["127.0.0.2", "127.0.0.1"]) == (answer.status, connected)
        assert server.seen[0].headers["host"].startswith("localhost:")


def test_localhost_that_is_elsewhere_is_no_loopback(
    names: dict[str, list[list[str]]], connected: list[str]
) -> None:
    """
    http is allowed to this machine; a resolver that sends its name elsewhere doesn't turn it into a
    way out.
    """
    names["localhost"] = [["10.0.0.7"]]

    assert "where no webhook may go" in post("http://localhost:9/").reason
    assert [] == connected


ALLOWED = [
    # host             allowed                              may it be connected to
    ("crm.internal", (), False),
    ("crm.internal", ("crm.internal",), True),
    ("crm.internal", ("CRM.internal.",), True),
    ("crm.internal", ("127.9.0.0/16",), True),
    ("crm.internal", ("127.8.0.0/16", "other.internal"), False),
    ("crm.internal", ("internal",), False),
    ("evil-deliver.internal", ("crm.internal",), False),
]


@pytest.mark.parametrize(("host", "allowed", "may"), ALLOWED)
def test_the_settings_allow_internal_hosts(
    names: dict[str, list[list[str]]],
    connected: list[str],
    host: str,
    allowed: tuple[str, ...],
    may: bool,
) -> None:
    """
    An internal CRM is allowed by its name or its network, and by nothing that merely looks like it.
    """
    names[host] = [["127.9.9.9"]]
    answer = post(f"https://{host}:9/", allowed)

    assert (["127.9.9.9"] if may else []) == connected
    assert may == ("no webhook may go" not in answer.reason)


@pytest.mark.parametrize(
    "entry", ["*", "10.0.0.1/8", "crm internal", "https://crm.internal", "10.0.0.0/33", ""]
)
def test_an_entry_that_is_neither_host_nor_network_is_refused(entry: str) -> None:
    """A wildcard or a typing error is said at once, not taken for "nothing" or "everything"."""
    with pytest.raises(ConfigError, match="neither a host name nor a network"):
        load_settings(environ={}, crm_allow_hosts=[entry])


def test_tls_asks_for_the_name_and_not_for_the_address(
    names: dict[str, list[list[str]]], connected: list[str]
) -> None:
    """
    The pinned address is where the socket goes; SNI and the check of the certificate keep the
    host's name.
    """
    names["crm.internal"] = [["127.0.0.1"]]
    hello: list[bytes] = []

    def listen(listener: socket.socket) -> None:
        sock, _ = listener.accept()
        with sock:
            hello.append(sock.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listening = threading.Thread(target=listen, args=(listener,))
        listening.start()
        answer = post(f"https://crm.internal:{listener.getsockname()[1]}/", ("crm.internal",))
        listening.join(5)

    assert "not_sent" == answer.fault
    assert b"crm.internal" in hello[0]
    assert ["127.0.0.1"] == connected


# --- what becomes of a try ---


class Clock:
    def __init__(self) -> None:
        self.at = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def crm_server() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def context(crm_server: FaultServer, home: Path, clock: Clock) -> Context:
    """A context whose CRM is the fault server, with a clock that stands."""
    account: dict[str, Any] = {
        **SIMULATOR_ACCOUNT,
        "crm_webhook_url": f"{crm_server.url}/hook",
        "env_url": crm_server.url,
    }
    settings = load_settings(environ={}, home=home, **account)
    return Context(
        settings,
        Client(settings),
        Ledger(settings.ledger_url, now=clock),
        Engine(EventStore(home / "events")),
        now=clock,
        rng=random.Random(7),
        quiet=True,
    )


def enqueue(context: Context, count: int = 1, start: int = 0) -> list[str]:
    """Webhooks in the outbox, as a scan puts them there; their ids."""
    ids = [f"msg_{number}" for number in range(start, start + count)]
    with context.ledger.writing() as tx:
        for webhook_id in ids:
            context.ledger.outbox.enqueue(
                tx,
                "q3",
                "b1",
                Webhook(
                    webhook_id, "email_job_completed", json.dumps({"event": webhook_id}).encode()
                ),
            )
    return ids


def states(context: Context) -> list[str]:
    return [row.state for row in context.ledger.outbox.webhooks()]


TRIES = [
    # the CRM answers                                        state        the outbox's note
    (Reply(200), "delivered", ""),
    (Reply(204), "delivered", ""),
    (Reply(302, headers={"Location": "http://127.0.0.1/x"}), "pending", "status 302"),
    (Reply(307, headers={"Location": "/hook"}), "pending", "status 307"),
    (Reply(400), "pending", "status 400"),
    (Reply(410), "parked", "status 410"),
    (Reply(429), "pending", "status 429"),
    (Reply(503), "pending", "status 503"),
    (Fault("reset"), "pending", "the connection was reset"),
    (Fault("close"), "pending", "the connection was closed before the answer was whole"),
    (Fault("cut_head"), "pending", "the connection was closed before the answer was whole"),
    (Fault("no_http"), "pending", "the answer is not HTTP"),
]


@pytest.mark.parametrize(
    ("step", "state", "note"),
    TRIES,
    ids=lambda value: getattr(value, "name", getattr(value, "status", "")),
)
def test_a_try_is_a_success_only_by_a_2xx(
    context: Context,
    crm_server: FaultServer,
    connected: list[str],
    step: Reply | Fault,
    state: str,
    note: str,
) -> None:
    """
    A redirect is a failure and not followed; anything but a whole head with a 2xx is tried again by
    the schedule.
    """
    crm_server.script("POST /hook", step)
    enqueue(context)
    tried = deliver.deliver_due(context)
    [row] = context.ledger.outbox.webhooks()

    assert (state, note, 1) == (row.state, row.last_error, row.tries)
    assert 1 == len(crm_server.seen) == len(connected)
    assert 1 == tried.delivered + tried.waiting + tried.dead + tried.parked


def test_a_redirect_to_the_metadata_service_is_not_followed(
    context: Context, crm_server: FaultServer, connected: list[str]
) -> None:
    """S09: a CRM, or who broke into it, can't send us elsewhere."""
    crm_server.script(
        "POST /hook", Reply(302, headers={"Location": "http://169.254.169.254/latest/meta-data/"})
    )
    enqueue(context)
    deliver.deliver_due(context)

    assert ["127.0.0.1"] == connected


def test_all_tries_carry_one_id_and_one_body_and_a_signature_of_their_own(
    context: Context, crm_server: FaultServer, clock: Clock
) -> None:
    """
    Standard Webhooks: ten tries over three days, also across a replay, are one message for the
    receiver; the published library verifies each.
    """
    crm_server.script("POST /hook", *[Reply(503)] * 10, Reply(200))
    [webhook_id] = enqueue(context)
    waits = []
    for _ in range(10):
        began = context.now()
        deliver.deliver_due(context)
        clock.at = max(began + 1, context.ledger.outbox.webhooks()[0].next_at)
        waits.append(context.now() - began)
    assert ["dead"] == states(context)
    assert 1 == context.ledger.outbox.replay(webhook_id=webhook_id)
    deliver.deliver_due(context)
    seen = crm_server.seen

    assert (["delivered"], 11) == (states(context), len(seen))
    assert [True] * 9 == [
        base <= wait <= 1.1 * base for base, wait in zip(deliver.SCHEDULE_S, waits, strict=False)
    ]
    assert {(webhook_id, b'{"event": "msg_0"}')} == {
        (one.headers["webhook-id"], one.body) for one in seen
    }
    assert (
        len({one.headers["webhook-signature"] for one in seen})
        == len({one.headers["webhook-timestamp"] for one in seen})
        == 11
    )
    for one in seen:
        assert verifies(one, at=int(one.headers["webhook-timestamp"]))


def verifies(request: Seen, *, at: int) -> bool:
    """
    Whether the standard's published library takes this request; it reads the clock, so the clock is
    told.
    """
    published: Any = import_module("standardwebhooks.webhooks")
    usual = published.datetime

    class Then(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(at, tz)

    published.datetime = Then
    try:
        verifier = standardwebhooks.Webhook(SIMULATOR_ACCOUNT["crm_webhook_secret"])
        return bool(verifier.verify(request.body, request.headers))
    finally:
        published.datetime = usual


RETRY_AFTER = [
    # the server asks   tries before   seconds until the next try
    ("1", 0, (5, 5)),
    ("8", 0, (8, 8)),
    ("3600", 0, (10, 10)),
    ("1200", 2, (1800, 1800)),
    ("nonsense", 1, (300, 330)),
]


@pytest.mark.parametrize(("asked", "tries", "expected"), RETRY_AFTER)
def test_the_crms_wish_counts_within_bounds(
    context: Context,
    crm_server: FaultServer,
    clock: Clock,
    asked: str,
    tries: int,
    expected: tuple[float, float],
) -> None:
    """
    Retry-After between once and twice the schedule's wait: neither a hammer nor a way to switch us
    off.
    """
    crm_server.script(
        "POST /hook", *[Reply(503)] * tries, Reply(429, headers={"Retry-After": asked})
    )
    enqueue(context)
    for _ in range(tries + 1):
        clock.at = max(clock.at, context.ledger.outbox.webhooks()[0].next_at)
        deliver.deliver_due(context)

    assert expected[0] <= context.ledger.outbox.webhooks()[0].next_at - context.now() <= expected[1]


def test_410_parks_the_endpoint_until_a_replay(context: Context, crm_server: FaultServer) -> None:
    """
    Nothing more is sent to an endpoint that is gone: what waits and what comes is kept, and goes
    out after `outbox replay`.
    """
    crm_server.script("POST /hook", Reply(200), Reply(410), Reply(200))
    enqueue(context, 5)
    first = deliver.deliver_due(context)
    enqueue(context, 1, start=5)
    again = deliver.deliver_due(context)

    assert (deliver.Round(delivered=1, parked=1), deliver.Round()) == (first, again)
    assert ["delivered", *["parked"] * 5] == states(context)
    assert 2 == len(crm_server.seen)
    assert 5 == context.ledger.outbox.replay(since=context.now() - 1) - 1
    assert 6 == deliver.deliver_due(context).delivered
    assert {"msg_0": 2, "msg_1": 2, "msg_2": 1, "msg_3": 1, "msg_4": 1, "msg_5": 1} == {
        webhook_id: sum(one.headers["webhook-id"] == webhook_id for one in crm_server.seen)
        for webhook_id in map("msg_{}".format, range(6))
    }


def test_what_was_forgotten_stays_forgotten(context: Context) -> None:
    """
    A replay of all since a date leaves out what an operator gave up; an unknown id replays nothing.
    """
    first, second = enqueue(context, 2)
    context.ledger.outbox.forget(first)
    context.ledger.outbox.record_delivery(second, state="dead", error="status 400")

    assert (1, 0, 0) == (
        context.ledger.outbox.replay(since=0),
        context.ledger.outbox.replay(webhook_id=first),
        context.ledger.outbox.replay(webhook_id="msg_nope"),
    )
    assert ["forgotten", "pending"] == states(context)


def test_a_late_failure_undoes_nothing(context: Context) -> None:
    """
    A worker that was paused reports its failure when another has delivered: the webhook stays
    delivered; one given up stays given up.
    """
    first, second = enqueue(context, 2)
    context.ledger.outbox.record_delivery(first, state="delivered")
    context.ledger.outbox.forget(second)
    for webhook_id in (first, second):
        context.ledger.outbox.record_delivery(
            webhook_id,
            state="pending",
            error="the answer did not come in time",
            next_at=context.now(),
        )

    assert ["delivered", "forgotten"] == states(context)


def test_a_slow_crm_holds_up_nobody(
    context: Context, crm_server: FaultServer, clock: Clock
) -> None:
    """
    What runs beside the webhooks goes on while the CRM thinks, and what is left at its end is kept,
    not lost.
    """
    crm_server.script("POST /hook", Reply(200, delay_s=0.7))
    clock.at = time.time()
    enqueue(context, 30)
    began = time.monotonic()
    with deliver.deliver_in_background(context, linger_s=1):
        time.sleep(0.3)
        deed_s = time.monotonic() - began
    end_s = time.monotonic() - began

    assert deed_s < 0.6
    assert end_s < 0.6 + 0.7 + 1 + 0.7 + 0.5
    assert 1 < states(context).count("delivered") < 30
    assert {"delivered", "pending"} == set(states(context))
