"""
The client against a server that misbehaves on purpose: signing in, reading, submitting, deadlines,
secrets.
"""

from __future__ import annotations

import base64
import gzip
import json
import logging
import math
import pickle
import random
import shutil
import socket
import ssl
import subprocess
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, unquote_plus

import pytest

from cxtools.api import wire
from cxtools.api.answer import Answer
from cxtools.api.auth import UNKNOWN_LIFE_S, read_token
from cxtools.api.client import Client, Probe
from cxtools.api.redaction import Masked
from cxtools.errors import (
    ConfigError,
    ContractError,
    CxError,
    Denied,
    PossiblyTruncated,
    RateLimited,
    Refused,
    ServerFault,
    Unreachable,
)
from cxtools.settings import Settings
from tests.fault_server import FAULTS, Fault, FaultServer, Reply

TOKEN, SUPPRESSIONS = "POST /v1/oauth2/token", "GET /v1/communications/email/suppressions"
MESSAGES, EVENTS = "POST /v1/communications/email/messages", "GET /v1/communications/email/events"
JOB = "GET /v1/communications/email/jobs/j1"
SECRET, BEARER, ADDRESS = "c4nary+s3cret/%&=", "c4nary-t0ken-Xyz", "c4nary.jane@example.com"
CLEAR = Reply(200, {"results": []})
OWN_404 = Reply(404, {"error": {"code": "not_found", "message": "not on the list"}})
ACCEPTED = Reply(202, {"jobId": "j1", "status": "queued"})
#: Faults that only a deadline ends.
SLOW = {"hang", "drip_head", "drip_body", "slicer"}


def token(text=BEARER, **more):
    return Reply(200, {"access_token": text, "token_type": "Bearer", "expires_in": 3600, **more})


def listed(email=ADDRESS):
    return Reply(
        200,
        {
            "results": [
                {"emailAddress": email, "reason": "complaint", "addedDate": "2026-01-02T03:04:05Z"}
            ]
        },
    )


def event(n=0, **more):
    return {
        "eventType": "open",
        "jobId": "j1",
        "messageId": f"m{n}",
        "recipientId": f"r{n}",
        "timestamp": "2026-09-14T10:00:00Z",
        **more,
    }


def named(value):
    """How a reply or a fault is called in the list of tests."""
    if isinstance(value, Fault):
        return value.name
    return (
        f"{value.status}-{json.dumps(value.body, default=repr)[:40]}"
        if isinstance(value, Reply)
        else getattr(value, "__name__", str(value))
    )


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.at, self.waits_s = 1000.0, []

    def __call__(self):
        return self.at

    def sleep(self, wait_s):
        self.waits_s.append(wait_s)
        self.at += wait_s


@pytest.fixture
def server():
    with FaultServer() as server:
        server.script(TOKEN, token())
        yield server


def client(server, clock=None, **more):
    given = {
        "env_url": server.url,
        "client_id": "me",
        "client_secret": SECRET,
        "call_deadline_s": 2.0,
        "patience_s": 20.0,
    } | more
    times = {"clock": clock, "now": clock, "sleep": clock.sleep} if clock else {}
    return Client(Settings(**given), rng=random.Random(1), **times)


CALLS = {
    # endpoint     one call of it
    TOKEN: lambda ours: ours.sign_in(),
    SUPPRESSIONS: lambda ours: ours.fetch_suppression(ADDRESS),
    MESSAGES: lambda ours: ours.submit(b"{}", idempotency_key="k"),
    JOB: lambda ours: ours.fetch_job("j1"),
    EVENTS: lambda ours: list(ours.fetch_event_pages("j1")),
}


def timed(call, ours):
    """What a call ended with, in a word, and after how many seconds."""
    started = time.monotonic()
    try:
        ended = call(ours).kind
    except CxError as error:
        ended = type(error).__name__
    return ended, time.monotonic() - started


# --- signing in ---


def test_C01_credentials_travel_in_the_body_and_never_in_the_address(server):
    """C01: a form body by default; the query string, which every log keeps, is empty."""
    server.script(SUPPRESSIONS, CLEAR)
    client(server).fetch_suppression(ADDRESS)
    seen = server.asked(TOKEN)[0]

    assert {} == seen.query
    assert {
        "grant_type": ["client_credentials"],
        "client_id": ["me"],
        "client_secret": [SECRET],
    } == parse_qs(seen.body.decode())
    assert f"Bearer {BEARER}" == server.asked(SUPPRESSIONS)[0].headers["authorization"]


def test_basic_is_encoded_as_rfc_6749_says(server):
    """A secret with +/%&= arrives whole, form-encoded before base64."""
    server.script(SUPPRESSIONS, CLEAR)
    client(server, auth="basic").fetch_suppression(ADDRESS)
    seen = server.asked(TOKEN)[0]
    pair = base64.b64decode(seen.headers["authorization"].removeprefix("Basic ")).decode()

    assert ["me", SECRET] == [unquote_plus(part) for part in pair.split(":")]
    assert b"grant_type=client_credentials" == seen.body


def test_an_access_key_signs_in_as_json(server):
    """CXone's own endpoint, with its other names for the same things."""
    server.script(
        "POST /authentication/v1/token/access-key",
        Reply(200, {"token": BEARER, "tokenExpirationTimeSec": "3600"}),
    )
    server.script(SUPPRESSIONS, CLEAR)
    client(
        server, auth="access_key", access_key_id="k", access_key_secret=SECRET
    ).fetch_suppression(ADDRESS)

    assert {"accessKeyId": "k", "accessKeySecret": SECRET} == json.loads(
        server.asked("POST /authentication/v1/token/access-key")[0].body
    )
    assert f"Bearer {BEARER}" == server.asked(SUPPRESSIONS)[0].headers["authorization"]


def test_a_password_grant_finds_its_endpoint_by_discovery(server):
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
    client(server, auth="password", access_key_id="k", access_key_secret="pass").fetch_suppression(
        ADDRESS
    )
    seen = server.asked("POST /auth/token")[0]

    assert {"grant_type": ["password"], "username": ["k"], "password": ["pass"]} == parse_qs(
        seen.body.decode()
    )
    assert seen.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    "endpoint", ["http://evil.example/token", None, 7, "", "ftp://127.0.0.1/x"]
)
def test_discovery_can_not_send_the_credentials_just_anywhere(server, endpoint):
    """An endpoint without https is refused, and nothing is posted to it."""
    server.script("GET /.well-known/openid-configuration", Reply(200, {"token_endpoint": endpoint}))
    with pytest.raises(ContractError, match="doesn't name an https token_endpoint"):
        client(
            server, auth="password", access_key_id="k", access_key_secret="pass"
        ).fetch_suppression(ADDRESS)

    assert {"GET"} == {seen.method for seen in server.seen}


def test_a_ready_token_is_used_as_it_is(server):
    """No sign-in; and a 401 is final, because there is nothing to renew."""
    server.script(SUPPRESSIONS, CLEAR, Reply(401))
    ours = client(server, auth="token", token=BEARER)
    ours.fetch_suppression(ADDRESS)
    with pytest.raises(Denied):
        ours.fetch_suppression(ADDRESS)

    assert ([], 2) == (server.asked(TOKEN), len(server.asked(SUPPRESSIONS)))


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
            for odd in (None, 0, -5, "soon", "nan", "inf", [], "")
        ],
        ({"access_token": "t"}, 1000 + UNKNOWN_LIFE_S - 60),
    ],
)
def test_C04_a_token_is_renewed_a_fifth_of_its_life_early(document, stale_at):
    """
    C04: margin min(60 s, 20 % of the life), measured from before the request; the life may be a
    text, odd or missing.
    """
    assert (
        pytest.approx(stale_at)
        == read_token(Answer(200, body=json.dumps(document).encode()), 1000.0).stale_at
    )


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
def test_a_sign_in_without_a_bearer_token_breaks_the_contract(document):
    """Neither an odd token nor a header smuggled in one is ever sent."""
    with pytest.raises(ContractError):
        read_token(Answer(200, body=json.dumps(document).encode()), 0.0)


def test_C04_short_lived_tokens_do_not_multiply_the_requests(server):
    """
    C04: with a life of 60 s, two hundred seconds of work need five tokens, not one per request.
    """
    server.script(TOKEN, token(expires_in=60))
    server.script(SUPPRESSIONS, CLEAR)
    clock = Clock()
    ours = client(server, clock)
    for _ in range(100):
        ours.fetch_suppression(ADDRESS)
        clock.at += 2

    assert 5 == len(server.asked(TOKEN)) == ours.counters.token_fetches


def accepts_only(valid):
    """A server that knows which token is good now."""
    return lambda seen: (
        CLEAR
        if seen.headers["authorization"] == f"Bearer {valid[0]}"
        else Reply(401, {"Message": "expired"})
    )


def test_C05_a_401_in_mid_run_costs_one_sign_in(server):
    """C05: revoked in mid-run, sixteen threads see 401s; one fetches a new token, all go on."""
    valid = ["t1"]
    server.script(TOKEN, token("t1"), token("t2"))
    server.script(SUPPRESSIONS, accepts_only(valid))
    ours = client(server)
    with ThreadPoolExecutor(16) as pool:
        assert {None} == set(pool.map(ours.fetch_suppression, 64 * [ADDRESS]))
        valid[0] = "t2"
        assert {None} == set(pool.map(ours.fetch_suppression, 64 * [ADDRESS]))

    assert 2 == len(server.asked(TOKEN))


def test_C05_a_401_after_a_fresh_sign_in_is_denied(server):
    """C05: one new token, one more try, then the error; not a loop."""
    server.script(SUPPRESSIONS, Reply(401, {"Message": "no such user"}))
    with pytest.raises(Denied, match="no such user"):
        client(server).fetch_suppression(ADDRESS)

    assert (2, 2) == (len(server.asked(TOKEN)), len(server.asked(SUPPRESSIONS)))


def test_C06_sixteen_threads_sign_in_once(server):
    """C06: all start together while the sign-in is slow; there is one."""
    server.script(TOKEN, Reply(200, token().body, delay_s=0.3))
    server.script(SUPPRESSIONS, CLEAR)
    ours = client(server)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(ours.fetch_suppression, 64 * [ADDRESS]))

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
    ids=named,
)
def test_C07_a_sign_in_survives_passing_trouble(server, trouble):
    """C07: backoff for what may pass."""
    server.script(TOKEN, trouble, token())
    server.script(SUPPRESSIONS, CLEAR)

    assert client(server, Clock()).fetch_suppression(ADDRESS) is None
    assert 2 == len(server.asked(TOKEN))


@pytest.mark.parametrize("status", [400, 401, 403])
def test_wrong_credentials_are_tried_once(server, status):
    """Sixteen threads and later calls share one refusal: repeating it locks accounts."""
    server.script(
        TOKEN,
        Reply(
            status, {"error": "invalid_client", "error_description": "no such client"}, delay_s=0.1
        ),
    )
    ours = client(server)
    with ThreadPoolExecutor(16) as pool:
        errors = [pool.submit(ours.fetch_suppression, ADDRESS).exception() for _ in range(32)]

    assert {Denied} == {type(error) for error in errors}
    assert "the sign-in was refused: no such client; invalid_client" in str(errors[-1])
    assert 1 == len(server.asked(TOKEN))


def test_a_failed_sign_in_is_shared_by_all_who_waited(server):
    """Sixteen threads don't queue up sixteen times the patience."""
    server.script(TOKEN, Reply(503, delay_s=0.05))
    ours, started = client(server, patience_s=1.0), time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        errors = [
            future.exception()
            for future in [pool.submit(ours.fetch_suppression, ADDRESS) for _ in range(16)]
        ]

    assert {ServerFault, Unreachable} >= {type(error) for error in errors}
    assert time.monotonic() - started < 3
    assert len(server.asked(TOKEN)) <= 6


def test_C08_missing_credentials_are_said_before_any_request(server):
    """C08: all that is missing in one error; the server hears nothing."""
    with pytest.raises(ConfigError, match="CXONE_CLIENT_ID, CXONE_CLIENT_SECRET"):
        Client(Settings(env_url=server.url))

    assert [] == server.seen


def test_scopes_that_the_sign_in_did_not_grant_are_named(server):
    """A server may drop a scope silently: `doctor` tells, and so does the 403."""
    server.script(TOKEN, token(scope="communications:email:read communications:email:send"))
    server.script(SUPPRESSIONS, CLEAR)
    server.script(EVENTS, Reply(403))
    ours = client(server)

    assert ["communications:email:analytics"] == ours.probe().missing_scopes
    with pytest.raises(
        Denied, match="ask for the scope communications:email:analytics, which the token lacks,"
    ):
        next(ours.fetch_event_pages("j1"))


def test_the_probe_tells_what_the_server_can(server):
    """What `doctor` shows, for a server that lists all suppressions."""
    server.script(SUPPRESSIONS, CLEAR)

    expected = Probe(
        server.url,
        "body",
        scopes=None,
        missing_scopes=[],
        failure="",
        lists_suppressions=True,
    )
    assert expected == client(server).probe()


def test_environment_and_netrc_change_nothing(server, monkeypatch, tmp_path):
    """
    Proxies get no traffic, and ~/.netrc doesn't replace the token (requests would, with trust_env).
    """
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login x password y")
    for name, value in {
        "HTTP_PROXY": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
        "NETRC": str(tmp_path / ".netrc"),
        "HOME": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    server.script(SUPPRESSIONS, CLEAR)
    client(server).fetch_suppression(ADDRESS)
    with wire.open_session(Settings()) as session:
        session.post(f"{server.url}/hook", data=b"{}", allow_redirects=False)

    assert f"Bearer {BEARER}" == server.asked(SUPPRESSIONS)[0].headers["authorization"]
    assert [None] == [seen.headers.get("authorization") for seen in server.asked("POST /hook")]


# --- suppressions ---


def test_B01_the_address_asked_for_is_the_recipients(server):
    """
    B01: the query names the address; what comes back is its entry, whatever the case of its
    letters.
    """
    server.script(SUPPRESSIONS, listed(ADDRESS.upper()))
    found = client(server).fetch_suppression(ADDRESS)

    assert {"email": [ADDRESS], "limit": ["1"]} == server.asked(SUPPRESSIONS)[0].query
    assert (ADDRESS.upper(), "complaint", 2026) == (found.email, found.reason, found.added_at.year)


@pytest.mark.parametrize(
    "email",
    [
        "a+b@example.com",
        "ä@exämple.com",
        "a&limit=0@example.com",
        "a%00@example.com",
        "a b@example.com",
        "a#b@example.com",
    ],
)
def test_every_address_arrives_as_it_is(server, email):
    """Signs with a meaning in addresses of the web are quoted."""
    server.script(SUPPRESSIONS, CLEAR)
    client(server).fetch_suppression(email)

    assert {"email": [email], "limit": ["1"]} == server.asked(SUPPRESSIONS)[0].query


@pytest.mark.parametrize("reply", [CLEAR, OWN_404], ids=["empty", "own-404"])
def test_only_the_apis_own_word_clears(server, reply):
    """No results, or a 404 with the API's own error document."""
    server.script(SUPPRESSIONS, reply)

    assert client(server).fetch_suppression(ADDRESS) is None


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (listed("someone.else@example.com"), ContractError),  # B03
        (Reply(404), Refused),
        (Reply(404, b"<html>404</html>", {"Content-Type": "text/html"}), Refused),
        (Reply(404, {"detail": "Not Found"}), Refused),
        (Reply(204), ContractError),
        (Reply(200, {}), ContractError),
        (Reply(200, {"results": None}), ContractError),
        (Reply(200, {"results": {}}), ContractError),
        (Reply(200, {"results": [{}]}), ContractError),
        (Reply(200, {"results": ["x"]}), ContractError),
        (Reply(200, []), ContractError),
        (Reply(200, b""), ContractError),
        (Fault("html"), ContractError),
        (Fault("number"), ContractError),
        (
            Fault("cut_body_without_length"),
            ContractError,
        ),  # nothing but the missing end of the JSON tells
        (Reply(302, headers={"Location": "/elsewhere"}), Refused),
        (Reply(400, {"Message": "bad"}), Refused),
        (Reply(403), Denied),
        (Reply(429), RateLimited),
        (Reply(500), ServerFault),
        (Reply(501), ServerFault),
        *[
            (Fault(name), Unreachable)
            for name in sorted(
                set(FAULTS) - {"html", "number", "empty", "cut_body_without_length"} - SLOW
            )
        ],
    ],
    ids=named,
)
def test_B04_anything_else_stops(server, reply, error):
    """
    B03, B04: another address, a foreign 404, a failure, a page of a proxy: nobody is cleared by it.
    """
    server.script(SUPPRESSIONS, reply)
    with pytest.raises(error) as raised:
        client(server, Clock()).fetch_suppression(ADDRESS)

    assert ADDRESS not in str(raised.value)


@pytest.mark.parametrize(
    "trouble",
    [
        Reply(429, headers={"Retry-After": "2"}),
        Reply(503),
        Fault("reset"),
        Fault("close"),
        Fault("cut_body"),
        Fault("cut_gzip"),
        Fault("html"),
    ],
    ids=named,
)
def test_B07_B08_B09_passing_trouble_is_survived(server, trouble):
    """
    B07, B08, B09, F04: one 429, 503 or reset, a cut answer or a proxy's page: asked again, and the
    earlier answers are kept.
    """
    server.script(SUPPRESSIONS, CLEAR, trouble, CLEAR)
    ours = client(server, Clock())

    assert [None, None] == [ours.fetch_suppression(ADDRESS), ours.fetch_suppression(ADDRESS)]
    assert 1 == ours.counters.retries + ours.counters.throttled


def test_I01_one_request_in_a_hundred_fails_and_nobody_notices(server):
    """
    I01: ten campaigns of a hundred checks at 1 % random 5xx and resets, from sixteen threads: all
    end well.
    """
    dice = random.Random(3)
    server.script(
        SUPPRESSIONS,
        lambda seen: (
            CLEAR if dice.random() > 0.01 else dice.choice([Reply(500), Reply(503), Fault("reset")])
        ),
    )
    ours = client(server)
    with ThreadPoolExecutor(16) as pool:
        assert {None} == set(pool.map(ours.fetch_suppression, 1000 * [ADDRESS]))

    assert 0 < ours.counters.retries < 40


def test_the_whole_list_comes_in_pages_where_the_api_gives_it(server):
    """A capability of the profile; without it, the question is refused before any request."""
    server.script(
        SUPPRESSIONS,
        Reply(200, {"results": listed("a@example.com").body["results"], "nextCursor": "c2"}),
        Reply(200, {"results": listed("b@example.com").body["results"]}),
    )
    pages = list(client(server, suppression_listing=True).fetch_suppressions())
    with pytest.raises(ConfigError):
        next(client(server).fetch_suppressions())

    assert [["a@example.com"], ["b@example.com"]] == [
        [entry.email for entry in page] for page in pages
    ]
    assert [None, ["c2"]] == [seen.query.get("cursor") for seen in server.asked(SUPPRESSIONS)]


# --- waiting ---


@pytest.mark.parametrize(
    ("header", "waits_s"),
    [("3", [3, 3, 3, 3, 3]), ("Thu, 01 Jan 1970 00:00:03 GMT", [3, 3, 3, 3, 3])],
    ids=["seconds", "date"],
)
def test_F06_F07_F09_a_429_waits_once_and_uses_up_nothing(server, header, waits_s):
    """
    F06, F07, F09: five 429s in a row cost five times what the server asked, by its own clock, and
    no attempt.
    """
    limited = Reply(429, headers={"Retry-After": header, "Date": "Thu, 01 Jan 1970 00:00:00 GMT"})
    server.script(JOB, *5 * [limited], Reply(200, {"jobId": "j1", "status": "completed"}))
    clock = Clock()
    ours = client(server, clock)

    assert ours.fetch_job("j1").final
    assert pytest.approx(waits_s) == clock.waits_s
    assert (5, 0) == (ours.counters.throttled, ours.counters.retries)


def test_F05_server_failures_wait_longer_and_longer(server):
    """F05: growing pauses with jitter, until patience is over."""
    server.script(JOB, Reply(503))
    clock = Clock()
    with pytest.raises(ServerFault, match="given up after"):
        client(server, clock, patience_s=10.0).fetch_job("j1")

    assert 4 <= len(clock.waits_s) <= 7
    assert [True] * len(clock.waits_s) == [
        0.125 * 2**n <= wait_s <= 0.25 * 2**n for n, wait_s in enumerate(clock.waits_s)
    ]
    assert clock.at <= 1010.0


def test_patience_ends_before_a_long_retry_after(server):
    """A server that asks for an hour gets no other request meanwhile, and we don't sit it out."""
    server.script(SUPPRESSIONS, Reply(429, headers={"Retry-After": "3600"}))
    ours, errors = client(server), []
    for _ in range(3):
        with pytest.raises(RateLimited) as raised:
            ours.fetch_suppression(ADDRESS)
        errors.append(raised.value)

    assert 1 == len(server.asked(SUPPRESSIONS))
    assert [pytest.approx(3600, abs=5)] * 3 == [error.retry_after_s for error in errors]


def test_a_429_holds_back_every_thread(server):
    """One thread hears "wait a second"; none of the eight sends before it is over."""
    server.script(SUPPRESSIONS, *20 * [CLEAR], Reply(429, headers={"Retry-After": "1"}), CLEAR)
    ours = client(server)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ours.fetch_suppression, 60 * [ADDRESS]))
    moments = [seen.at for seen in server.asked(SUPPRESSIONS)]
    volley, later = moments[20], [at for at in moments if at > moments[20] + 0.2]

    assert volley + 1.0 <= later[0]
    assert 1 == ours.counters.throttled


def limiter(rate, burst):
    """
    A token bucket for all endpoints together; `refused` are the moments of its 429s and what they
    asked for.
    """
    lock, refused, state = threading.Lock(), [], [burst, time.monotonic()]

    def limited(reply):
        def step(seen):
            time.sleep(0.02)
            with lock:
                now = time.monotonic()
                state[:] = min(burst, state[0] + (now - state[1]) * rate), now
                if state[0] >= 1:
                    state[0] -= 1
                    return reply
                refused.append((now, wait_s := math.ceil((1 - state[0]) / rate)))
                return Reply(429, headers={"Retry-After": str(wait_s)})

        return step

    return limited, refused


@pytest.mark.parametrize(("rate", "needed"), [(20, 200), (100, 500)])
def test_a_429_storm_is_not_made_worse(server, rate, needed):
    """
    Sixteen threads check, submit, poll and read events ten times faster than the server allows: few
    tries in vain, none too early.
    """
    limited, refused = limiter(rate, burst=rate)
    replies = {
        SUPPRESSIONS: CLEAR,
        MESSAGES: ACCEPTED,
        JOB: Reply(200, {"jobId": "j1", "status": "queued"}),
        EVENTS: Reply(200, {"results": []}),
    }
    for request, reply in replies.items():
        server.script(request, limited(reply))
    ours = client(server, patience_s=60.0)

    def call(number):
        request = list(replies)[number % 4]
        while getattr(CALLS[request](ours), "kind", "") == "limited":
            pass

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(call, range(needed)))
    asked = [seen for request in replies for seen in server.asked(request)]
    early = [
        seen for seen in asked for at, wait_s in refused if at + 0.2 < seen.at < at + wait_s
    ]  # the first 0.2 s: under way already

    assert len(refused) > 0
    assert len(asked) <= 1.1 * needed
    assert [] == early


def test_a_sign_in_waits_out_a_retry_after_beyond_its_call(server):
    """Limited for an hour: later calls hear the same, and the server isn't asked again."""
    server.script(TOKEN, Reply(429, headers={"Retry-After": "3600"}))
    clock = Clock()
    ours, ended = client(server, clock), []
    for _ in range(3):
        ended.append(timed(CALLS[JOB], ours)[0])
        clock.at += 60
    asked = len(server.asked(TOKEN))
    clock.at += 3600
    server.script(TOKEN, token())
    server.script(JOB, Reply(200, {"jobId": "j1", "status": "queued"}))

    assert (3 * ["RateLimited"], 1) == (ended, asked)
    assert "queued" == ours.fetch_job("j1").status


def test_the_configured_rate_holds_for_all_threads_together(server):
    """Eight threads at 50 per second: sixty requests take 1.2 seconds."""
    server.script(SUPPRESSIONS, CLEAR)
    ours = client(server, requests_per_s=50.0)
    ours.fetch_suppression(ADDRESS)
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ours.fetch_suppression, 60 * [ADDRESS]))

    assert 1.1 <= time.monotonic() - started


def test_an_outage_is_met_with_few_probes(server):
    """
    Sixteen threads, three seconds of nothing but 503: the breaker leaves a handful of requests;
    then it says why.
    """
    server.script(SUPPRESSIONS, Reply(503))
    ours = client(server, patience_s=3.0)
    with ThreadPoolExecutor(16) as pool:
        errors = [
            future.exception()
            for future in [pool.submit(ours.fetch_suppression, ADDRESS) for _ in range(16)]
        ]

    assert {ServerFault} == {type(error) for error in errors}
    assert any("circuit breaker" in str(error) and "status 503" in str(error) for error in errors)
    assert len(server.asked(SUPPRESSIONS)) <= 48


def test_a_probe_that_is_not_sent_is_left_to_others(server):
    """
    The breaker's only probe falls to a submit whose claim has ended: the next caller probes, and
    waits for nobody.
    """
    over = []
    server.script(SUPPRESSIONS, lambda seen: CLEAR if over else Reply(503))
    clock = Clock()
    ours = client(server, clock, patience_s=30.0)
    ended = [timed(CALLS[SUPPRESSIONS], ours)[0] for _ in range(3)]
    over.append(True)
    clock.at += 10
    late = ours.submit(b"{}", idempotency_key="k", leave_by=clock.at)

    assert (3 * ["ServerFault"], "not_sent") == (ended, late.kind)
    waited = len(clock.waits_s)
    assert ours.fetch_suppression(ADDRESS) is None
    assert [] == clock.waits_s[waited:]


def test_the_outage_ends_and_everybody_goes_on(server):
    """After the breaker opened, one good probe is enough."""
    over = time.monotonic() + 2.0
    server.script(SUPPRESSIONS, lambda seen: CLEAR if seen.at > over else Reply(503))
    with ThreadPoolExecutor(16) as pool:
        assert {None} == set(pool.map(client(server).fetch_suppression, 64 * [ADDRESS]))

    assert len([seen for seen in server.asked(SUPPRESSIONS) if seen.at <= over]) <= 32


# --- deadlines ---


@pytest.mark.parametrize("name", sorted(SLOW))
def test_E06_F08_every_call_ends_by_its_deadline(server, name):
    """
    E06, F08: silence, a byte now and then in head or body, or a long answer in tiny slices: each
    endpoint's call ends in time.
    """
    ours = client(server, call_deadline_s=1.0, patience_s=1.0)
    for request in set(CALLS) - {TOKEN}:
        server.script(request, Fault(name))
    ours.sign_in()
    with ThreadPoolExecutor(5) as pool:
        ended = list(pool.map(lambda request: timed(CALLS[request], ours), set(CALLS) - {TOKEN}))
    server.script(TOKEN, Fault(name))
    ended.append(timed(CALLS[TOKEN], client(server, call_deadline_s=1.0, patience_s=1.0)))

    assert ["Unreachable"] * 4 + ["unknown"] == sorted(word for word, _ in ended)
    assert max(took_s for _, took_s in ended) < 2.0


@pytest.mark.parametrize("name", sorted(SLOW))
def test_an_exchange_ends_by_its_deadline(server, name):
    """Also where no client is around it, as for a webhook; and the words say why."""
    server.script("POST /hook", Fault(name))
    started = time.monotonic()
    with wire.open_session(Settings()) as session:
        found = wire.exchange(
            session, wire.request("POST", f"{server.url}/hook", {}, b"{}"), deadline_s=0.5
        )

    assert "the answer did not come in time" == found.reason
    assert time.monotonic() - started < 1.5


def test_nothing_leaves_when_the_time_is_over(server):
    """Certainly not sent, and said so."""
    with wire.open_session(Settings()) as session:
        found = wire.exchange(
            session, wire.request("POST", f"{server.url}/hook", {}, b"{}"), deadline_s=-0.1
        )

    assert ("not_sent", "the answer did not come in time", []) == (
        found.fault,
        found.reason,
        server.seen,
    )


@pytest.mark.parametrize(
    ("request_", "refused_after_s", "expected", "posts"),
    [
        # endpoint  401 after  the call ends    requests
        (JOB, 0.9, "Unreachable", 2),
        (EVENTS, 0.9, "Unreachable", 2),
        (MESSAGES, 0.2, "unknown", 2),
        (MESSAGES, 0.9, "not_sent", 1),  # too late for a second POST, which would be cut short
    ],
)
def test_a_second_try_with_a_new_token_ends_with_the_first(
    server, request_, refused_after_s, expected, posts
):
    """One call has one end: a slow 401 and then silence don't add up to two deadlines."""
    server.script(request_, Reply(401, delay_s=refused_after_s), Fault("hang"))
    ended, took_s = timed(CALLS[request_], client(server, call_deadline_s=1.0, patience_s=1.0))

    assert (expected, posts) == (ended, len(server.asked(request_)))
    assert took_s < 1.8


@pytest.mark.parametrize(
    ("held_back", "expected"),
    [
        (
            {"requests_per_s": 1.0},
            "Unreachable",
        ),  # its turn comes after a second; then half of the deadline is left
        ({"requests_per_s": 0.4}, "RateLimited"),  # its turn would come after the call's end
    ],
)
def test_a_wait_at_the_gate_is_part_of_the_call(server, held_back, expected):
    """
    However long a request had to wait for its turn, the call ends in time; a turn that nobody takes
    is left to the next.
    """
    server.script(SUPPRESSIONS, CLEAR, Fault("hang"))
    ours = client(server, call_deadline_s=1.5, patience_s=1.5, **held_back)
    ours.fetch_suppression(ADDRESS)
    ended = [timed(CALLS[SUPPRESSIONS], ours) for _ in range(2)]

    assert expected == ended[0][0]
    assert max(took_s for _, took_s in ended) < 2.3


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1, made for this test."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    pem = tmp_path / "server.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            pem,
            "-out",
            tmp_path / "cert.pem",
        ],
        check=True,
        capture_output=True,
    )
    pem.write_text(pem.read_text() + (tmp_path / "cert.pem").read_text())
    return pem


def tls_server(certificate, answer):
    """Serve one connection with TLS; *answer* gets the socket after the request's first bytes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        sock, _ = listener.accept()
        try:
            with context.wrap_socket(sock, server_side=True) as secured:
                secured.recv(1)
                answer(secured)
        except OSError:
            pass  # the client left, as it should

    threading.Thread(target=serve, daemon=True).start()
    return f"https://127.0.0.1:{listener.getsockname()[1]}/"


def slowly(secured):
    for byte in b"HTTP/1.1 200 OK" + 200 * b" ":
        secured.sendall(bytes([byte]))
        time.sleep(0.05)


def sipping(secured):
    while secured.recv(16384):
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("answer", "body"), [(slowly, None), (sipping, 30_000_000 * b"x")], ids=["drips", "sips"]
)
def test_the_deadline_holds_under_tls(certificate, answer, body):
    """Also for a server that drips encrypted bytes, and for one that takes a long body in sips."""
    started = time.monotonic()
    with wire.open_session(Settings()) as session:
        session.verify = str(certificate)
        found = wire.exchange(
            session, wire.request("POST", tls_server(certificate, answer), {}, body), deadline_s=1.0
        )

    assert ("no_answer", "the answer did not come in time") == (found.fault, found.reason)
    assert time.monotonic() - started < 2.0


def test_a_certificate_that_nobody_vouches_for_ends_before_the_first_byte(certificate):
    """The environment's idea of trusted certificates doesn't count; nothing is sent."""
    with wire.open_session(Settings()) as session:
        found = wire.exchange(
            session, wire.request("GET", tls_server(certificate, slowly), {}), deadline_s=5.0
        )

    assert ("not_sent", "the server's certificate is not trusted") == (found.fault, found.reason)


def test_the_deadline_holds_over_all_addresses_of_a_host():
    """
    Five addresses that swallow connections, half a second each: the call ends with its own second.
    """
    with socket.socket() as full, socket.socket() as waiting, socket.socket() as more:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for sock in (waiting, more):  # whoever comes after these two gets no answer from the kernel
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        started = time.monotonic()
        with wire.open_session(
            Settings(connect_timeout_s=0.5), route=lambda host, port: 5 * ["127.0.0.1"]
        ) as session:
            found = wire.exchange(
                session,
                wire.request("GET", f"http://127.0.0.1:{full.getsockname()[1]}/", {}),
                deadline_s=1.0,
            )

    assert "not_sent" == found.fault
    assert 0.9 < time.monotonic() - started < 2.0


# --- reaching nobody ---


def closed_port():
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
def test_a_host_that_never_answered_is_given_up_soon(url, reason):
    """
    Rather a wrong address than an outage: seconds instead of `patience_s`, and the sentence says
    why.
    """
    clock = Clock()
    ours = Client(
        Settings(env_url=url, client_id="me", client_secret=SECRET),
        clock=clock,
        sleep=clock.sleep,
        now=clock,
    )
    with pytest.raises(Unreachable, match=reason):
        ours.fetch_suppression(ADDRESS)
    outcome = ours.submit(b"{}", idempotency_key="k")

    assert clock.at <= 1020.0
    assert ("not_sent", False) == (outcome.kind, outcome.denied)


def test_plain_http_where_tls_is_spoken_is_no_answer(server):
    """https to a server that speaks http: nothing of the request has left."""
    ours = client(server, env_url=server.url.replace("http:", "https:"), auth="token", token=BEARER)

    outcome = ours.submit(b"{}", idempotency_key="k")

    assert "not_sent" == outcome.kind
    assert [] == server.asked(MESSAGES)


# --- submitting ---


def test_a_batch_is_posted_as_it_is_over_a_connection_of_its_own(server):
    """
    The exact bytes, the key, no kept connection: a reset by an idle server would look like a lost
    answer.
    """
    server.script(MESSAGES, ACCEPTED)
    server.script(JOB, Reply(200, {"jobId": "j1", "status": "queued"}))
    ours = client(server)
    ours.fetch_job("j1")
    outcomes = [ours.submit(b'{"n": %d}' % n, idempotency_key=f"key-{n}") for n in range(2)]
    seen = server.asked(MESSAGES)

    assert [("accepted", "j1", 202, "trace-7")] * 2 == [
        (outcome.kind, outcome.job_id, outcome.status, outcome.trace_id) for outcome in outcomes
    ]
    assert [b'{"n": 0}', b'{"n": 1}'] == [post.body for post in seen]
    assert ["key-0", "key-1"] == [post.headers["idempotency-key"] for post in seen]
    assert {"close"} == {post.headers["connection"] for post in seen}
    assert 3 == len({seen[0].connection, seen[1].connection, server.asked(JOB)[0].connection})


POSTS = [
    # the POST meets           what                                             the outcome  in
    # words
    ("400", Reply(400, {"error": {"code": "bad"}}), "refused", "bad"),
    *[
        (str(status), Reply(status), "refused", "no reason given")
        for status in (404, 405, 413, 415, 422)
    ],
    ("403", Reply(403), "refused", "no reason given"),
    ("429", Reply(429, headers={"Retry-After": "7"}), "limited", "no reason given"),
    *[
        (str(status), Reply(status, headers={"Location": "/v1/else"}), "unknown", "no reason given")
        for status in (302, 307, 308)
    ],
    *[
        (str(status), Reply(status), "unknown", "no reason given")
        for status in (408, 409, 500, 502, 503, 504)
    ],
    ("502-html", Reply(502, b"<html><title>Oh</title></html>"), "unknown", "a web page: Oh"),
    ("202-without-job-id", Reply(202, {"status": "queued"}), "unknown", "without a valid jobId"),
    ("202-job-id-seen-before", ACCEPTED, "accepted", ""),  # the ledger knows better: test_ledger.py
    ("close", Fault("close", ACCEPTED), "unknown", "closed before the answer"),
    ("reset", Fault("reset", ACCEPTED), "unknown", "the connection was reset"),
    ("reset_before_body", Fault("reset_before_body", ACCEPTED), "unknown", "the connection was"),
    ("cut_status", Fault("cut_status", ACCEPTED), "unknown", "not HTTP"),
    ("cut_head", Fault("cut_head", ACCEPTED), "unknown", "closed before the answer"),
    ("cut_body", Fault("cut_body", ACCEPTED), "unknown", "cut off"),
    (
        "cut_body_without_length",
        Fault("cut_body_without_length", ACCEPTED),
        "unknown",
        "without a valid jobId",
    ),
    ("cut_chunked", Fault("cut_chunked", ACCEPTED), "unknown", "cut off"),
    ("cut_gzip", Fault("cut_gzip", ACCEPTED), "unknown", "packed body was cut off"),
    ("bad_gzip", Fault("bad_gzip", ACCEPTED), "unknown", "packed body is damaged"),
    ("gzip_bomb", Fault("gzip_bomb", ACCEPTED), "unknown", "longer than"),
    ("number", Fault("number", ACCEPTED), "unknown", "without a valid jobId"),
    ("empty", Fault("empty", ACCEPTED), "unknown", "without a valid jobId"),
    ("html", Fault("html", ACCEPTED), "unknown", "without a valid jobId: a web page"),
    ("no_http", Fault("no_http", ACCEPTED), "unknown", "not HTTP"),
]


@pytest.mark.parametrize(
    ("step", "kind", "says"), [row[1:] for row in POSTS], ids=[row[0] for row in POSTS]
)
def test_E04_a_submit_is_posted_once_whatever_happens(server, step, kind, says):
    """
    E04, and E01 E02 on our side: one POST per call, also for 307 and 503, and an outcome instead of
    an error.
    """
    server.script(MESSAGES, step)
    outcome = client(server).submit(b"{}", idempotency_key="k")

    assert kind == outcome.kind
    assert says in outcome.detail
    assert [MESSAGES.split()[1]] == [
        seen.path for seen in server.seen if seen.method == "POST" and seen.path != TOKEN.split()[1]
    ]


def test_each_fault_of_the_server_has_its_row():
    """A fault's name is the name of its test: a row above, or one of the deadlines."""
    assert set(FAULTS) == SLOW | {
        name for name, step, *_ in POSTS if isinstance(step, Fault) and step.name == name
    }


def test_E03_a_limited_submit_says_how_long_to_wait(server):
    """E03: not taken for certain; the wish is handed on, and the gate is shut for everybody."""
    server.script(MESSAGES, Reply(429, headers={"Retry-After": "7"}))
    server.script(JOB, Reply(200, {"jobId": "j1", "status": "queued"}))
    clock = Clock()
    ours = client(server, clock)
    outcome = ours.submit(b"{}", idempotency_key="k")
    ours.fetch_job("j1")

    assert ("limited", 7.0) == (outcome.kind, outcome.retry_after_s)
    assert [7.0] == clock.waits_s


def test_C05_a_submit_refused_for_its_token_is_posted_once_more(server):
    """
    C05: a 401 comes before the request is looked at; with a fresh token it is sent again, and only
    then.
    """
    server.script(TOKEN, token("t1"), token("t2"))
    server.script(MESSAGES, Reply(401), ACCEPTED)
    outcome = client(server).submit(b"{}", idempotency_key="k")

    assert "accepted" == outcome.kind
    assert ["Bearer t1", "Bearer t2"] == [
        seen.headers["authorization"] for seen in server.asked(MESSAGES)
    ]


@pytest.mark.parametrize("status", [401, 403])
def test_a_submit_without_the_right_is_denied(server, status):
    """Two 401s or one 403: refused, and marked as a matter of rights."""
    server.script(MESSAGES, Reply(status, {"Message": "no"}))
    outcome = client(server).submit(b"{}", idempotency_key="k")

    assert ("refused", True, status) == (outcome.kind, outcome.denied, outcome.status)


@pytest.mark.parametrize(
    ("reply", "denied"),
    [(Reply(401), True), (Reply(503), False), (Fault("reset"), False)],
    ids=named,
)
def test_a_submit_without_a_token_was_not_sent(server, reply, denied):
    """The sign-in failed: nothing was posted, for certain."""
    server.script(TOKEN, reply)
    outcome = client(server, Clock()).submit(b"{}", idempotency_key="k")

    assert ("not_sent", denied) == (outcome.kind, outcome.denied)
    assert [] == server.asked(MESSAGES)


# --- jobs and events ---


def test_a_job_is_read_with_unknown_words_kept(server):
    """An unknown status means: keep asking."""
    server.script(
        JOB,
        Reply(200, {"jobId": "j1", "status": "Warming"}),
        Reply(200, {"jobId": "j1", "status": "SUCCEEDED"}),
        Reply(200, {"jobId": "j2", "status": "queued"}),
    )
    ours = client(server)

    assert [("warming", False), ("completed", True)] == [
        (job.status, job.final) for job in (ours.fetch_job("j1"), ours.fetch_job("j1"))
    ]
    with pytest.raises(ContractError, match="another one came"):
        ours.fetch_job("j1")


@pytest.mark.parametrize("odd", ["", "../../admin", ".", "a/b", "a?b", "ä", "x" * 129, "j1\n"])
def test_no_id_leads_to_another_place(server, odd):
    """Ids go into addresses only in their own form."""
    ours = client(server)
    with pytest.raises(ConfigError):
        ours.fetch_job(odd)
    with pytest.raises(ConfigError):
        next(ours.fetch_event_pages(odd))

    assert [] == server.seen


def pages(*sizes, last=None):
    """Event pages with these many rows, chained by cursors; *last* is the end of the last one."""
    chained = [
        Reply(
            200,
            {"results": [event(f"{n}-{row}") for row in range(size)], "nextCursor": f"c{n + 1}"},
        )
        for n, size in enumerate(sizes)
    ]
    chained[-1].body.pop("nextCursor")
    chained[-1].body |= last or {}
    return chained


def test_G01_all_pages_are_fetched(server):
    """G01: 2,898 events in three pages are 2,898 events; each cursor is used once."""
    server.script(EVENTS, *pages(1000, 1000, 898))
    found = list(client(server).fetch_event_pages("j1"))
    asked = [seen.query for seen in server.asked(EVENTS)]

    assert 2898 == len({event.message_id for page in found for event in page.events})
    assert ["c1", "c2", ""] == [page.next_cursor for page in found]
    assert [None, ["c1"], ["c2"]] == [query.get("cursor") for query in asked]
    assert {
        "jobId": ["j1"],
        "limit": ["1000"],
        "eventType": ["delivery,bounce,open,click"],
    } == asked[0]


def test_G01_a_full_page_without_a_cursor_is_an_error_after_its_events(server):
    """G01: what came is kept, but the set doesn't pass for complete."""
    server.script(EVENTS, *pages(1000))
    found = client(server).fetch_event_pages("j1")

    assert 1000 == len(next(found).events)
    with pytest.raises(PossiblyTruncated, match="there may be more"):
        next(found)


@pytest.mark.parametrize(
    "replies", [pages(999), pages(0), [Reply(204)]], ids=["short", "empty", "204"]
)
def test_the_last_page_is_known_by_its_end(server, replies):
    """A page that isn't full, and 204, are ends."""
    server.script(EVENTS, *replies)

    assert 1 == len(list(client(server).fetch_event_pages("j1")))


@pytest.mark.parametrize("knows", [True, False], ids=["pages", "doesn't page"])
def test_G01_a_null_on_a_full_page_is_checked(server, knows):
    """
    G01: exactly a thousand events and a null: asked for one row, a server that pages gives a
    cursor; then it was the end.
    """
    full = pages(1000, last={"nextCursor": None})[0]
    server.script(
        EVENTS,
        lambda seen: (
            Reply(200, {"results": [event()], "nextCursor": "c" if knows else None})
            if seen.query["limit"] == ["1"]
            else full
        ),
    )
    found = client(server).fetch_event_pages("j1")

    assert 1000 == len(next(found).events)
    with pytest.raises(StopIteration if knows else PossiblyTruncated):
        next(found)


def test_pages_go_on_from_a_cursor(server):
    """A later collection starts where the earlier one stopped."""
    server.script(EVENTS, *pages(1))
    list(client(server).fetch_event_pages("j1", cursor="c7&x=1"))

    assert ["c7&x=1"] == server.asked(EVENTS)[0].query["cursor"]


@pytest.mark.parametrize(
    ("cursors", "match"),
    [
        (["a", "b", "a"], "a cursor came twice"),
        (["a", "a"], "a cursor came twice"),
        ([7], "the cursor is not a text"),
    ],
)
def test_cursors_that_lead_nowhere_break_the_contract(server, cursors, match):
    """A circle, or a cursor that is none."""
    server.script(
        EVENTS, *[Reply(200, {"results": [event()], "nextCursor": cursor}) for cursor in cursors]
    )
    with pytest.raises(ContractError, match=match):
        list(client(server).fetch_event_pages("j1"))


def test_malformed_rows_are_set_aside_with_reasons(server):
    """One bad row doesn't cost the page, and isn't lost either."""
    odd = [{"eventType": "open"}, "x", {"messageId": "m"}, event(jobId="j2"), event(eventType=7)]
    server.script(
        EVENTS,
        Reply(
            200,
            {
                "results": [
                    event(1),
                    *odd,
                    event(2, jobId=None),
                    event(3, eventType="teleported", more={"x": 1}),
                ]
            },
        ),
    )
    page = next(client(server).fetch_event_pages("j1"))

    assert [("m1", "j1", "open"), ("m2", "j1", "open"), ("m3", "j1", "unknown")] == [
        (event.message_id, event.job_id, event.kind) for event in page.events
    ]
    assert odd == [json.loads(raw) for raw, _ in page.malformed]
    assert [
        "$.results[1]",
        "$.results[2]",
        "$.results[3].eventType",
        "$.results[4].jobId",
        "$.results[5].eventType",
    ] == [reason.partition("(")[2][:-1] for _, reason in page.malformed]


def test_G08_a_503_in_the_middle_of_the_events_is_asked_again(server):
    """G08: the page comes with the second try; nothing is missing."""
    first, second = pages(1000, 5)
    server.script(EVENTS, first, Reply(503), second)

    assert 1005 == sum(len(page.events) for page in client(server, Clock()).fetch_event_pages("j1"))


def test_a_packed_answer_is_unpacked(server):
    """Pages are asked for, and read, in gzip."""
    server.script(
        EVENTS,
        Reply(
            200,
            gzip.compress(json.dumps({"results": [event(1)]}).encode()),
            {"Content-Encoding": "gzip"},
        ),
    )

    assert 1 == len(next(client(server).fetch_event_pages("j1")).events)
    assert "gzip" == server.asked(EVENTS)[0].headers["accept-encoding"]


def test_a_body_is_read_up_to_a_cap(server):
    """Neither a gzip bomb nor a long plain body fills the memory."""
    server.script(JOB, Reply(200, b"x" * 20_000))

    with pytest.raises(Unreachable, match="longer than 10000 bytes"):
        client(server, Clock(), max_body_bytes=10_000).fetch_job("j1")


# --- what must not be seen ---


def visible(error):
    """
    All that a careless program could print of an error: its text, the chain, and the locals of
    every frame in the package.
    """
    seen, todo = [], [error]
    while todo:
        link = todo.pop()
        seen.append(repr(link) + str(link) + repr(vars(link)))
        todo += [part for part in (link.__cause__, link.__context__) if part is not None]
    for captured in (traceback.TracebackException.from_exception(error, capture_locals=True),):
        seen += [repr(frame.locals) for frame in captured.stack if "cxtools" in frame.filename]
    return "".join(seen)


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
    ids=named,
)
def test_C02_C03_errors_show_no_secret(server, reply):
    """
    C02, C03: not in the text, the chain or the frames of any error, even where the server echoes
    what it was sent.
    """
    server.script(SUPPRESSIONS, reply)
    server.script(MESSAGES, reply)
    ours = client(server, Clock())
    with pytest.raises(CxError) as raised:
        ours.fetch_suppression(ADDRESS)
    shown = (
        visible(raised.value)
        + repr(ours.submit(b'{"toAddress": "c4nary.jane@example.com"}', idempotency_key="k"))
        + repr(ours)
        + repr(vars(ours.auth))
    )

    assert [] == [canary for canary in (SECRET, BEARER) if canary in shown]
    assert ADDRESS not in str(raised.value) + repr(vars(raised.value))
    assert (None, None) == (raised.value.__cause__, raised.value.__context__)


@pytest.mark.parametrize(
    "reply",
    [Reply(401, ECHO), Reply(503, ECHO), Fault("reset"), Fault("html"), Reply(404, ECHO)],
    ids=named,
)
def test_C02_failed_sign_ins_show_no_secret(server, reply):
    """C02: the client secret is on no line of anything that a failed sign-in leaves behind."""
    server.script(TOKEN, reply)
    with pytest.raises(CxError) as raised:
        client(server, Clock()).fetch_suppression(ADDRESS)

    assert SECRET not in visible(raised.value)


def test_logs_hold_no_address_and_no_secret(server, caplog):
    """Also with everything at DEBUG: urllib3 would log whole queries."""
    caplog.set_level(logging.DEBUG)
    server.script(SUPPRESSIONS, Reply(503), Reply(200, {"results": []}, {"Bad Header": "x"}))
    client(server, Clock()).fetch_suppression(ADDRESS)

    assert "/v1/communications/email/suppressions" in caplog.text
    assert [] == [canary for canary in (SECRET, BEARER, "c4nary.jane") if canary in caplog.text]


def test_a_client_stays_in_its_process():
    """Neither pickled nor shown in clear."""
    ours = Client(Settings(env_url="https://api.example.com", client_id="me", client_secret=SECRET))
    with pytest.raises(TypeError):
        pickle.dumps(ours)

    assert "***" == repr(Masked("Bearer x")) == str(Masked("Bearer x")) == f"{Masked('Bearer x')}"
    assert SECRET not in repr(vars(ours))


def test_counters_add_up(server):
    """What was sent, repeated, throttled and signed in for, as the server saw it."""
    server.script(SUPPRESSIONS, Reply(503), Reply(429, headers={"Retry-After": "1"}), CLEAR)
    ours = client(server, Clock())
    ours.fetch_suppression(ADDRESS)

    assert (4, 1, 1, 1) == (
        ours.counters.requests,
        ours.counters.retries,
        ours.counters.throttled,
        ours.counters.token_fetches,
    )
    assert 4 == len(server.seen)


# --- against the simulator, which was written by others from the same contract ---


def campaign(count):
    recipients = [
        {"toAddress": f"user{n}@provider-a.example", "mergeFields": {"firstName": "U"}, "tags": []}
        for n in range(count)
    ]
    return json.dumps(
        {
            "subject": "News",
            "templateId": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
            "senderAddress": "marketing@example.com",
            "recipients": recipients,
            "tracking": {"enableOpens": True, "enableClicks": True},
        }
    ).encode()


@pytest.fixture
def simulated(simulator):
    """A client of the simulator; the world is new and all its events can be seen at once."""
    simulator.reset(speed="inf")
    return Client(
        Settings(
            env_url=simulator.url,
            client_id="simulator",
            client_secret="simulator",
            call_deadline_s=2.0,
            patience_s=20.0,
        )
    )


def test_a_job_from_submit_to_last_event(simulator, simulated):
    """
    What the client read is what really happened: one job, its bytes, every event over all pages
    (some come twice), nothing unhandled.
    """
    body = campaign(900)
    outcome = simulated.submit(body, idempotency_key="k1")
    job = simulated.fetch_job(outcome.job_id)
    events = [
        event for page in simulated.fetch_event_pages(outcome.job_id) for event in page.events
    ]
    truth = simulator.truth()
    kinds = {
        kind: len({event.event_id for event in events if event.kind == kind})
        for kind in ("delivery", "bounce", "open", "click")
    }

    assert [(900, "k1")] == [
        (len(done["recipients"]), done["idempotency_key"]) for done in truth["jobs"].values()
    ]
    assert {
        kind: count
        for kind, count in truth["jobs"][outcome.job_id]["events"].items()
        if kind in kinds
    } == kinds
    assert ("completed", 900) == (job.status, job.total_recipients)
    assert len(events) > 1000
    assert ([], 1) == (list(truth["unhandled"]), truth["tokens"])


@pytest.mark.parametrize(
    ("fault", "kind", "accepted"),
    [
        ("post_reset_before_accept", "unknown", 0),
        ("post_reset_after_accept", "unknown", 1),
        ("post_hang_after_accept", "unknown", 1),
        ("post_504_after_accept", "unknown", 1),
        ("post_2xx_without_job_id", "unknown", 1),
        ("redirect", "unknown", 0),
        ("server_error_503", "unknown", 0),
        ("rate_limited", "limited", 0),
        ("missing_scope", "refused", 0),
        ("expire_tokens", "accepted", 1),
    ],
)
def test_E01_E02_a_lost_answer_is_unknown_and_never_posted_again(
    simulator, simulated, fault, kind, accepted
):
    """
    E01, E02: whether the server took the batch or not, the client says what it knows, and the
    server has it at most once.
    """
    simulated.fetch_suppression(ADDRESS)
    simulator.arm(fault)
    outcome = simulated.submit(campaign(3), idempotency_key="k")
    truth = simulator.truth()

    assert (kind, accepted, []) == (outcome.kind, len(truth["jobs"]), truth["mailed_twice"])


@pytest.mark.parametrize(
    "fault",
    [
        "rate_limited",
        "rate_limited_date",
        "server_error_503",
        "server_error_500_html",
        "reset",
        "hang",
        "drip",
        "expire_tokens",
        "not_json",
    ],
)
def test_reading_survives_each_fault_of_the_simulator(simulator, simulated, fault):
    """Struck once in the middle of the checks, each costs time and nothing else."""
    simulator.suppress([ADDRESS])
    simulator.arm(fault, after=1, endpoint="suppressions")

    assert [True, False, True] == [
        simulated.fetch_suppression(email) is not None
        for email in (ADDRESS, "else@example.com", ADDRESS.title())
    ]
    assert 1 == simulator.truth()["faults"][fault]


@pytest.mark.parametrize(
    ("setup", "fault", "error"),
    [
        ({"no_cursors": True}, None, PossiblyTruncated),
        ({}, "events_no_cursor", PossiblyTruncated),
        ({}, "events_repeat_cursor", ContractError),
        ({"suppression_404": True}, "suppression_404_html", Refused),
        ({}, "suppression_other_address", ContractError),
        ({}, "missing_scope", Denied),
    ],
)
def test_each_broken_promise_of_the_simulator_is_an_error(
    simulator, simulated, setup, fault, error
):
    """B03, B04, G01: nothing is cleared and nothing passes for complete."""
    simulator.reset(speed="inf", **setup)
    outcome = simulated.submit(campaign(900), idempotency_key="k")
    if fault:
        simulator.arm(fault, count=None)
    with pytest.raises(error):
        simulated.fetch_suppression(ADDRESS)
        list(simulated.fetch_event_pages(outcome.job_id))


def test_a_limit_of_the_simulator_is_kept_without_being_told(simulator, simulated):
    """
    At 100 requests per second few of 600 checks are refused; how near to the ideal it comes is
    measured in benchmarks/send.py.
    """
    simulator.reset(rate_limit=100)
    with ThreadPoolExecutor(16) as pool:
        assert {None} == set(
            pool.map(
                simulated.fetch_suppression, (f"nobody{n}@nowhere.example" for n in range(600))
            )
        )

    assert simulated.counters.throttled < 60
