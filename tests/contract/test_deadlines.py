"""Every call ends by its deadline, and a host that can't be reached is given up soon."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from requests import PreparedRequest

from cxtools.api import wire
from cxtools.api.answer import Answer
from cxtools.api.client import Client
from cxtools.errors import (
    Unreachable,
)
from cxtools.settings import Secret, Settings
from tests.contract.api import (
    ADDRESS,
    BEARER,
    CALLS,
    CLEAR,
    EVENTS,
    JOB,
    MESSAGES,
    SECRET,
    SLOW,
    SUPPRESSIONS,
    TOKEN,
    Clock,
    new_client,
    timed,
)
from tests.fault_server import Fault, FaultServer, Reply


@pytest.mark.parametrize("name", sorted(SLOW))
def test_E06_F08_every_call_ends_by_its_deadline(server: FaultServer, name: str) -> None:
    """
    E06, F08: silence, a byte now and then in head or body, or a long answer in tiny slices: each
    endpoint's call ends in time.
    """
    client = new_client(server, call_deadline_s=1.0, patience_s=1.0)
    others = [request for request in CALLS if request != TOKEN]
    for request in others:
        server.script(request, Fault(name))
    client.sign_in()
    with ThreadPoolExecutor(5) as pool:
        ended = list(pool.map(lambda request: timed(CALLS[request], client), others))
    server.script(TOKEN, Fault(name))
    newcomer = new_client(server, call_deadline_s=1.0, patience_s=1.0)
    ended.append(timed(CALLS[TOKEN], newcomer))

    assert ["Unreachable"] * 4 + ["unknown"] == sorted(call.word for call in ended)
    assert max(call.took_s for call in ended) < 2.0


def exchange(prepared: PreparedRequest, *, deadline_s: float, trusts: str = "") -> Answer:
    """One exchange in a session of its own, which trusts this certificate, too."""
    with wire.open_session(Settings()) as session:
        session.verify = trusts or True
        return wire.exchange(session, prepared, deadline_s=deadline_s)


@pytest.mark.parametrize("name", sorted(SLOW))
def test_an_exchange_ends_by_its_deadline(server: FaultServer, name: str) -> None:
    """Also where no client is around it, as for a webhook; and the words say why."""
    server.script("POST /hook", Fault(name))
    started = time.monotonic()
    answer = exchange(wire.request("POST", f"{server.url}/hook", {}, b"{}"), deadline_s=0.5)

    assert "the answer did not come in time" == answer.reason
    assert time.monotonic() - started < 1.5


def test_nothing_leaves_when_the_time_is_over(server: FaultServer) -> None:
    """Certainly not sent, and said so."""
    answer = exchange(wire.request("POST", f"{server.url}/hook", {}, b"{}"), deadline_s=-0.1)

    assert ("not_sent", "the answer did not come in time") == (answer.fault, answer.reason)
    assert [] == server.seen


@pytest.mark.parametrize(
    ("request_", "refused_after_s", "expected", "posts"),
    [
        # endpoint  401 after  the call ends    requests
        (JOB, 1.8, "Unreachable", 2),
        (EVENTS, 1.8, "Unreachable", 2),
        (MESSAGES, 0.4, "unknown", 2),
        (MESSAGES, 1.8, "not_sent", 1),  # too late for a second POST, which would be cut short
    ],
)
def test_a_second_try_with_a_new_token_ends_with_the_first(
    server: FaultServer, request_: str, refused_after_s: float, expected: str, posts: int
) -> None:
    """One call has one end: a slow 401 and then silence don't add up to two deadlines."""
    server.script(request_, Reply(401, delay_s=refused_after_s), Fault("hang"))
    client = new_client(server, call_deadline_s=2.0, patience_s=2.0)
    ended, took_s = timed(CALLS[request_], client)

    assert (expected, posts) == (ended, len(server.asked(request_)))
    assert took_s < 3.2


@pytest.mark.parametrize(
    ("requests_per_s", "expected"),
    [
        (1.0, "Unreachable"),  # its turn comes after a second; then half of the deadline is left
        (0.4, "RateLimited"),  # its turn would come after the call's end
    ],
)
def test_a_wait_at_the_gate_is_part_of_the_call(
    server: FaultServer, requests_per_s: float, expected: str
) -> None:
    """
    However long a request had to wait for its turn, the call ends in time; a turn that nobody takes
    is left to the next.
    """
    server.script(SUPPRESSIONS, CLEAR, Fault("hang"))
    client = new_client(server, call_deadline_s=1.5, patience_s=1.5, requests_per_s=requests_per_s)
    client.fetch_suppression(ADDRESS)
    ended = [timed(CALLS[SUPPRESSIONS], client) for _ in range(2)]

    assert expected == ended[0].word
    assert max(call.took_s for call in ended) < 2.3


MAKE_CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    " -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1, made for this test."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    subprocess.run(MAKE_CERTIFICATE.split(), cwd=tmp_path, check=True, capture_output=True)
    both = tmp_path / "server.pem"
    both.write_text((tmp_path / "key.pem").read_text() + (tmp_path / "cert.pem").read_text())
    return both


Speak = Callable[[ssl.SSLSocket], None]


def tls_server(certificate: Path, answer: Speak) -> str:
    """Serve one connection with TLS; *answer* gets the socket after the request's first bytes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        sock, _ = listener.accept()
        # The client leaves when its deadline is over: an error of the server's then, as it should be.
        with suppress(OSError), context.wrap_socket(sock, server_side=True) as secured:
            secured.recv(1)
            answer(secured)

    threading.Thread(target=serve, daemon=True).start()
    return f"https://127.0.0.1:{listener.getsockname()[1]}/"


def drip(secured: ssl.SSLSocket) -> None:
    for byte in b"HTTP/1.1 200 OK" + 200 * b" ":
        secured.sendall(bytes([byte]))
        time.sleep(0.05)


def sip(secured: ssl.SSLSocket) -> None:
    while secured.recv(16384):
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("speak", "body"), [(drip, None), (sip, 30_000_000 * b"x")], ids=["drips", "sips"]
)
def test_the_deadline_holds_under_tls(certificate: Path, speak: Speak, body: bytes | None) -> None:
    """Also for a server that drips encrypted bytes, and for one that takes a long body in sips."""
    prepared = wire.request("POST", tls_server(certificate, speak), {}, body)
    started = time.monotonic()
    answer = exchange(prepared, deadline_s=1.0, trusts=str(certificate))

    assert ("no_answer", "the answer did not come in time") == (answer.fault, answer.reason)
    assert time.monotonic() - started < 2.0


def test_a_certificate_that_nobody_vouches_for_ends_before_the_first_byte(
    certificate: Path,
) -> None:
    """The environment's idea of trusted certificates doesn't count; nothing is sent."""
    answer = exchange(wire.request("GET", tls_server(certificate, drip), {}), deadline_s=5.0)

    assert ("not_sent", "the server's certificate is not trusted") == (answer.fault, answer.reason)


def test_the_deadline_holds_over_all_addresses_of_a_host() -> None:
    """
    Five addresses that swallow connections, half a second each: the call ends with its own second.
    """
    with socket.socket() as full, socket.socket() as waiting, socket.socket() as more:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for sock in (waiting, more):  # whoever comes after these two gets no answer from the kernel
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        prepared = wire.request("GET", f"http://127.0.0.1:{full.getsockname()[1]}/", {})
        settings = Settings(connect_timeout_s=0.5)
        started = time.monotonic()
        with wire.open_session(settings, resolver=lambda host, port: 5 * ["127.0.0.1"]) as session:
            answer = wire.exchange(session, prepared, deadline_s=1.0)

    assert "not_sent" == answer.fault
    assert 0.9 < time.monotonic() - started < 2.0


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (closed_port(), "the connection was refused"),
        ("https://no-such-host.invalid", "the host name is not known"),
        (closed_port().replace("http:", "https:"), "the connection was refused"),
    ],
    ids=["refused", "unknown", "refused-tls"],
)
def test_a_host_that_never_answered_is_given_up_soon(url: str, reason: str) -> None:
    """
    Rather a wrong address than an outage: seconds instead of `patience_s`, and the sentence says
    why.
    """
    clock = Clock()
    settings = Settings(env_url=url, client_id="me", client_secret=Secret(SECRET))
    client = Client(settings, clock=clock, sleep=clock.sleep, now=clock)
    with pytest.raises(Unreachable, match=reason):
        client.fetch_suppression(ADDRESS)
    outcome = client.submit(b"{}", idempotency_key="k")

    assert clock.at <= 1020.0
    assert ("not_sent", False) == (outcome.kind, outcome.denied)


def test_plain_http_where_tls_is_spoken_is_no_answer(server: FaultServer) -> None:
    """https to a server that speaks http: nothing of the request has left."""
    client = new_client(
        server, env_url=server.url.replace("http:", "https:"), auth="token", token=BEARER
    )

    outcome = client.submit(b"{}", idempotency_key="k")

    assert "not_sent" == outcome.kind
    assert [] == server.asked(MESSAGES)
