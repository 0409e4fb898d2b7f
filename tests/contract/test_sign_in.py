"""Signing in, at a server that misbehaves on purpose: every grant, one token for all threads."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import pytest

from cxtools.api import wire
from cxtools.api.answer import Answer
from cxtools.api.auth import UNKNOWN_LIFE_S, read_token
from cxtools.api.client import Client, Probe
from cxtools.errors import (
    ConfigError,
    ContractError,
    Denied,
    ServerFault,
    Unreachable,
)
from cxtools.settings import Settings
from tests.contract.api import (
    ADDRESS,
    BEARER,
    CLEAR,
    EVENTS,
    SECRET,
    SUPPRESSIONS,
    TOKEN,
    Clock,
    label,
    new_client,
    token,
)
from tests.fault_server import Fault, FaultServer, Reply, Seen, Step


def test_C01_credentials_travel_in_the_body_and_never_in_the_address(server: FaultServer) -> None:
    """C01: a form body by default; the query string, which every log keeps, is empty."""
    server.script(SUPPRESSIONS, CLEAR)
    new_client(server).fetch_suppression(ADDRESS)
    seen = server.asked(TOKEN)[0]

    assert {} == seen.query
    assert {
        "grant_type": ["client_credentials"],
        "client_id": ["me"],
        "client_secret": [SECRET],
    } == parse_qs(seen.body.decode())
    assert f"Bearer {BEARER}" == server.asked(SUPPRESSIONS)[0].headers["authorization"]


def test_basic_is_encoded_as_rfc_6749_says(server: FaultServer) -> None:
    """A secret with +/%&= arrives whole, form-encoded before base64."""
    server.script(SUPPRESSIONS, CLEAR)
    new_client(server, auth="basic").fetch_suppression(ADDRESS)
    seen = server.asked(TOKEN)[0]
    pair = base64.b64decode(seen.headers["authorization"].removeprefix("Basic ")).decode()

    assert ["me", SECRET] == [unquote_plus(part) for part in pair.split(":")]
    assert b"grant_type=client_credentials" == seen.body


def test_an_access_key_signs_in_as_json(server: FaultServer) -> None:
    """CXone's own endpoint, with its other names for the same things."""
    server.script(
        "POST /authentication/v1/token/access-key",
        Reply(200, {"token": BEARER, "tokenExpirationTimeSec": "3600"}),
    )
    server.script(SUPPRESSIONS, CLEAR)
    new_client(
        server, auth="access_key", access_key_id="k", access_key_secret=SECRET
    ).fetch_suppression(ADDRESS)

    assert {"accessKeyId": "k", "accessKeySecret": SECRET} == json.loads(
        server.asked("POST /authentication/v1/token/access-key")[0].body
    )
    assert f"Bearer {BEARER}" == server.asked(SUPPRESSIONS)[0].headers["authorization"]


def test_a_password_grant_finds_its_endpoint_by_discovery(server: FaultServer) -> None:
    """
    OpenID discovery names the endpoint; the access key goes there as user and password, the client
    as Basic.
    """
    server.script(
        "GET /.well-known/openid-configuration",
        Reply(200, {"token_endpoint": f"{server.url}/auth/token"}),
    )
    server.script("POST /auth/token", token())
    server.script(SUPPRESSIONS, CLEAR)
    new_client(
        server, auth="password", access_key_id="k", access_key_secret="pass"
    ).fetch_suppression(ADDRESS)
    seen = server.asked("POST /auth/token")[0]

    assert {"grant_type": ["password"], "username": ["k"], "password": ["pass"]} == parse_qs(
        seen.body.decode()
    )
    assert seen.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    "endpoint", ["http://evil.example/token", None, 7, "", "ftp://127.0.0.1/x"]
)
def test_discovery_cannot_send_the_credentials_just_anywhere(
    server: FaultServer, endpoint: object
) -> None:
    """An endpoint without https is refused, and nothing is posted to it."""
    server.script("GET /.well-known/openid-configuration", Reply(200, {"token_endpoint": endpoint}))
    with pytest.raises(ContractError, match="doesn't name an https token_endpoint"):
        new_client(
            server, auth="password", access_key_id="k", access_key_secret="pass"
        ).fetch_suppression(ADDRESS)

    assert {"GET"} == {seen.method for seen in server.seen}


def test_a_ready_token_is_used_as_it_is(server: FaultServer) -> None:
    """No sign-in; and a 401 is final, because there is nothing to renew."""
    server.script(SUPPRESSIONS, CLEAR, Reply(401))
    client = new_client(server, auth="token", token=BEARER)
    client.fetch_suppression(ADDRESS)
    with pytest.raises(Denied):
        client.fetch_suppression(ADDRESS)

    assert ([], 2) == (server.asked(TOKEN), len(server.asked(SUPPRESSIONS)))


ODD_LIVES: list[Any] = [None, 0, -5, "soon", "nan", "inf", [], ""]


@pytest.mark.parametrize(
    ("document", "stale_at"),
    [
        ({"access_token": "t", "expires_in": 3600}, 4540),
        ({"access_token": "t", "expires_in": "3600"}, 4540),
        ({"access_token": "t", "expires_in": 60}, 1048),
        ({"access_token": "t", "expires_in": 1}, 1000.8),
        ({"token": "t", "tokenExpirationTimeSec": 100}, 1080),
        *[
            ({"access_token": "t", "expires_in": odd}, 1000 + UNKNOWN_LIFE_S - 60)
            for odd in ODD_LIVES
        ],
        ({"access_token": "t"}, 1000 + UNKNOWN_LIFE_S - 60),
    ],
)
def test_C04_a_token_is_renewed_a_fifth_of_its_life_early(
    document: dict[str, Any], stale_at: float
) -> None:
    """
    C04: margin min(60 s, 20 % of the life), measured from before the request; the life may be a
    text, odd or missing.
    """
    answer = Answer(200, body=json.dumps(document).encode())

    assert pytest.approx(stale_at) == read_token(answer, 1000.0).stale_at


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "a\r\nX: y"},
        {"access_token": "t", "token_type": "mac"},
    ],
)
def test_a_sign_in_without_a_bearer_token_breaks_the_contract(document: dict[str, Any]) -> None:
    """Neither an odd token nor a header smuggled in one is ever sent."""
    with pytest.raises(ContractError):
        read_token(Answer(200, body=json.dumps(document).encode()), 0.0)


def test_C04_short_lived_tokens_do_not_multiply_the_requests(server: FaultServer) -> None:
    """
    C04: with a life of 60 s, two hundred seconds of work need five tokens, not one per request.
    """
    server.script(TOKEN, token(expires_in=60))
    server.script(SUPPRESSIONS, CLEAR)
    clock = Clock()
    client = new_client(server, clock)
    for _ in range(100):
        client.fetch_suppression(ADDRESS)
        clock.at += 2

    assert 5 == len(server.asked(TOKEN)) == client.counters.token_fetches


def accepts_only(valid: list[str]) -> Step:
    """A server that knows which token is good now: the last one of the list."""

    def step(seen: Seen) -> Reply:
        if seen.headers["authorization"] == f"Bearer {valid[-1]}":
            return CLEAR
        return Reply(401, {"Message": "expired"})

    return step


def test_C05_a_401_in_mid_run_costs_one_sign_in(server: FaultServer) -> None:
    """C05: revoked in mid-run, sixteen threads see 401s; one fetches a new token, all go on."""
    valid = ["t1"]
    server.script(TOKEN, token("t1"), token("t2"))
    server.script(SUPPRESSIONS, accepts_only(valid))
    client = new_client(server)
    with ThreadPoolExecutor(16) as pool:
        assert {None} == set(pool.map(client.fetch_suppression, 64 * [ADDRESS]))
        valid.append("t2")
        assert {None} == set(pool.map(client.fetch_suppression, 64 * [ADDRESS]))

    assert 2 == len(server.asked(TOKEN))


def test_C05_a_401_after_a_fresh_sign_in_is_denied(server: FaultServer) -> None:
    """C05: one new token, one more try, then the error; not a loop."""
    server.script(SUPPRESSIONS, Reply(401, {"Message": "no such user"}))
    with pytest.raises(Denied, match="no such user"):
        new_client(server).fetch_suppression(ADDRESS)

    assert (2, 2) == (len(server.asked(TOKEN)), len(server.asked(SUPPRESSIONS)))


def test_C06_sixteen_threads_sign_in_once(server: FaultServer) -> None:
    """C06: all start together while the sign-in is slow; there is one."""
    server.script(TOKEN, Reply(200, token().body, delay_s=0.3))
    server.script(SUPPRESSIONS, CLEAR)
    client = new_client(server)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(client.fetch_suppression, 64 * [ADDRESS]))

    assert 1 == len(server.asked(TOKEN))


@pytest.mark.parametrize(
    "trouble",
    [
        Reply(503),
        Reply(500),
        Reply(429, headers={"Retry-After": "1"}),
        Fault("reset"),
        Fault("cut_head"),
        Fault("html"),
    ],
    ids=label,
)
def test_C07_a_sign_in_survives_passing_trouble(server: FaultServer, trouble: Step) -> None:
    """C07: backoff for what may pass."""
    server.script(TOKEN, trouble, token())
    server.script(SUPPRESSIONS, CLEAR)

    assert new_client(server, Clock()).fetch_suppression(ADDRESS) is None
    assert 2 == len(server.asked(TOKEN))


@pytest.mark.parametrize("status", [400, 401, 403])
def test_wrong_credentials_are_tried_once(server: FaultServer, status: int) -> None:
    """Sixteen threads and later calls share one refusal: repeating it locks accounts."""
    server.script(
        TOKEN,
        Reply(
            status, {"error": "invalid_client", "error_description": "no such client"}, delay_s=0.1
        ),
    )
    client = new_client(server)
    with ThreadPoolExecutor(16) as pool:
        errors = [pool.submit(client.fetch_suppression, ADDRESS).exception() for _ in range(32)]

    assert {Denied} == {type(error) for error in errors}
    assert "the sign-in was refused: no such client; invalid_client" in str(errors[-1])
    assert 1 == len(server.asked(TOKEN))


def test_a_failed_sign_in_is_shared_by_all_who_waited(server: FaultServer) -> None:
    """Sixteen threads don't queue up sixteen times the patience."""
    server.script(TOKEN, Reply(503, delay_s=0.05))
    client = new_client(server, patience_s=1.0)
    started = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(client.fetch_suppression, ADDRESS) for _ in range(16)]
        errors = [call.exception() for call in calls]

    assert {ServerFault, Unreachable} >= {type(error) for error in errors}
    assert time.monotonic() - started < 3
    assert len(server.asked(TOKEN)) <= 6


def test_C08_missing_credentials_are_said_before_any_request(server: FaultServer) -> None:
    """C08: all that is missing in one error; the server hears nothing."""
    with pytest.raises(ConfigError, match="CXONE_CLIENT_ID, CXONE_CLIENT_SECRET"):
        Client(Settings(env_url=server.url))

    assert [] == server.seen


def test_scopes_that_the_sign_in_did_not_grant_are_named(server: FaultServer) -> None:
    """A server may drop a scope silently: `doctor` tells, and so does the 403."""
    server.script(TOKEN, token(scope="communications:email:read communications:email:send"))
    server.script(SUPPRESSIONS, CLEAR)
    server.script(EVENTS, Reply(403))
    client = new_client(server)

    assert ["communications:email:analytics"] == client.probe().missing_scopes
    with pytest.raises(
        Denied, match="ask for the scope communications:email:analytics, which the token lacks,"
    ):
        next(client.fetch_event_pages("j1"))


def test_the_probe_tells_what_the_server_can(server: FaultServer) -> None:
    """What `doctor` shows, for a server that lists all suppressions."""
    server.script(SUPPRESSIONS, CLEAR)

    expected = Probe(
        server.url,
        "body",
        scopes=None,
        missing_scopes=[],
        failure=None,
        lists_suppressions=True,
    )
    assert expected == new_client(server).probe()


def test_environment_and_netrc_change_nothing(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    Proxies get no traffic, and ~/.netrc doesn't replace the token (requests would, with trust_env).
    """
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login x password y")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    server.script(SUPPRESSIONS, CLEAR)
    new_client(server).fetch_suppression(ADDRESS)
    with wire.open_session(Settings()) as session:
        session.post(f"{server.url}/hook", data=b"{}", allow_redirects=False)

    assert f"Bearer {BEARER}" == server.asked(SUPPRESSIONS)[0].headers["authorization"]
    assert [None] == [seen.headers.get("authorization") for seen in server.asked("POST /hook")]
