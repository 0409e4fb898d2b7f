"""
The simulator keeps the contract, tells the same story every time, knows the truth, and fails as it
is told to.
"""

from __future__ import annotations

import base64
import email.utils
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import openapi_core
import pytest
import requests
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_core.validation.request.exceptions import RequestValidationError
from standardwebhooks import Webhook

import cxtools
from cxtools.connection import connect
from cxtools.sending.campaign import Campaign
from cxtools.simulator import people
from cxtools.simulator.faults import FAULTS
from cxtools.simulator.life import Letter, life
from cxtools.simulator.setup import Setup
from cxtools.simulator.wire import Ask
from cxtools.simulator.world import World
from tests.conftest import Simulator

MAIL = "/v1/communications/email"
CONTRACT = openapi_core.OpenAPI.from_path(Path(__file__).with_name("openapi.yaml"))
SIGN_IN = {
    "grant_type": "client_credentials",
    "client_id": "simulator",
    "client_secret": "simulator",
}
WEEK_S = 7 * 86400
PINNED_COUNT = 235
PINNED_FIRST = [("3.707", "delivery", ""), ("18.385", "bounce", "554"), ("0.984", "delivery", "")]
ADDRESSES = [row["email"] for row in people.recipients(7, 400)]


def order(addresses: list[str], subject: str = "Q3") -> dict[str, Any]:
    return {
        "subject": subject,
        "templateId": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
        "senderAddress": "me@example.com",
        "recipients": [
            {"toAddress": address, "mergeFields": {"firstName": "Ann"}, "tags": ["vip"]}
            for address in addresses
        ],
        "tracking": {"enableOpens": True, "enableClicks": True},
    }


class Caller:
    """Speaks HTTP by hand, and checks every answer against the contract."""

    def __init__(self, url: str) -> None:
        self.url, self.session = url, requests.Session()

    def __call__(
        self, method: str, path: str, *, lawful: bool = True, **how: Any
    ) -> requests.Response:
        """
        One request; `lawful=False` says that the request itself breaks the contract (the answer may
        not).
        """
        answer = self.session.request(
            method, self.url + path, timeout=10, allow_redirects=False, **how
        )
        try:
            CONTRACT.validate_request(RequestsOpenAPIRequest(answer.request))
            assert lawful, "this request was meant to break the contract"
        except RequestValidationError:
            assert not lawful
        CONTRACT.validate_response(
            RequestsOpenAPIRequest(answer.request), RequestsOpenAPIResponse(answer)
        )
        return answer

    def sign_in(self) -> Caller:
        token = self("POST", "/v1/oauth2/token", data=SIGN_IN).json()["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"
        return self

    def submit(self, addresses: list[str], **headers: str) -> str:
        job_id: str = self(
            "POST", f"{MAIL}/messages", json=order(addresses), headers=headers
        ).json()["jobId"]
        return job_id

    def pages(self, job_id: str, limit: int = 1000, **query: str) -> Iterator[list[dict[str, Any]]]:
        cursor: str | None = ""
        while cursor is not None:
            page = self(
                "GET",
                f"{MAIL}/events",
                params={
                    "jobId": job_id,
                    "limit": limit,
                    **query,
                    **({"cursor": cursor} if cursor else {}),
                },
            ).json()
            cursor = page["nextCursor"]
            yield page["results"]

    def events(self, job_id: str, **query: Any) -> list[dict[str, Any]]:
        return [event for page in self.pages(job_id, **query) for event in page]


@pytest.fixture
def call(simulator: Simulator) -> Caller:
    """Signed in, in a world in which only `advance` moves the clock."""
    simulator.reset(speed=0)
    return Caller(simulator.url).sign_in()


def test_the_secret_goes_into_the_body_or_basic_and_nowhere_else(call: Caller) -> None:
    """
    C01: both standard ways work; a secret in the URL, a wrong one and an unknown grant are refused
    in the standard's words.
    """
    basic = {"Authorization": "Basic " + base64.b64encode(b"simulator:simulator").decode()}
    asked = [
        call("POST", "/v1/oauth2/token", data=SIGN_IN),
        call("POST", "/v1/oauth2/token", data={"grant_type": "client_credentials"}, headers=basic),
        call("POST", "/v1/oauth2/token", params=SIGN_IN, lawful=False),
        call("POST", "/v1/oauth2/token", data=SIGN_IN | {"client_secret": "wrong"}),
        call("POST", "/v1/oauth2/token", data=SIGN_IN | {"grant_type": "password"}, lawful=False),
    ]

    assert [200, 200, 400, 401, 400] == [answer.status_code for answer in asked]
    assert ["invalid_request", "invalid_client", "unsupported_grant_type"] == [
        answer.json()["error"] for answer in asked[2:]
    ]


def test_a_suppressed_address_is_listed_and_others_are_not(
    call: Caller, simulator: Simulator
) -> None:
    """
    The answer is for the address that was asked for, however it is spelled; unlisted is an empty
    list.
    """
    simulator.suppress(["Ann@Example.com"])
    listed, clear = (
        call("GET", f"{MAIL}/suppressions", params={"email": address, "limit": 1}).json()
        for address in ("ann@example.COM", "bob@example.com")
    )

    assert (["ann@example.com"], []) == (
        [row["emailAddress"] for row in listed["results"]],
        clear["results"],
    )


def test_unlisted_can_be_404_and_the_list_can_be_read_in_pages(simulator: Simulator) -> None:
    """Both switches of the contract; the pages together are the whole list, each address once."""
    simulator.reset(suppression_404=True, suppression_listing=True, population=20000)
    call, rows, cursor = Caller(simulator.url).sign_in(), [], None
    unlisted = call("GET", f"{MAIL}/suppressions", params={"email": "bob@example.com"})
    while cursor != "":
        page = call(
            "GET",
            f"{MAIL}/suppressions",
            params={"limit": 100, **({"cursor": cursor} if cursor else {})},
        ).json()
        rows += [row["emailAddress"] for row in page["results"]]
        cursor = page["nextCursor"] or ""

    assert (404, "suppression_not_found") == (
        unlisted.status_code,
        unlisted.json()["error"]["code"],
    )
    assert sorted(people.suppressed(7, 20000)) == sorted(rows)


BAD_ORDERS = [
    # change                                       field
    ({"subject": ""}, "subject"),
    ({"subject": "x" * 999}, "subject"),
    ({"templateId": "welcome"}, "templateId"),
    ({"senderAddress": "me"}, "senderAddress"),
    ({"recipients": []}, "recipients"),
    ({"recipients": [{"email": "a@b.example"}]}, "recipients[0].toAddress"),
    (
        {"recipients": [{"toAddress": "a@b.example", "mergeFields": {"age": 7}}]},
        "recipients[0].mergeFields",
    ),
    (
        {"recipients": [{"toAddress": f"p{number}@b.example"} for number in range(1001)]},
        "recipients",
    ),
    ({"tracking": {"enableOpens": "yes"}}, "tracking"),
]


@pytest.mark.parametrize(
    ("change", "field"),
    BAD_ORDERS,
    ids=[f"{number} {row[1]}" for number, row in enumerate(BAD_ORDERS)],
)
def test_a_bad_order_is_refused_with_the_field_named(
    call: Caller, simulator: Simulator, change: dict[str, Any], field: str
) -> None:
    """
    400 with details, as the tutorial shows it; nothing was sent. The contract's own schema refuses
    the same orders.
    """
    answer = call("POST", f"{MAIL}/messages", json=order(["a@b.example"]) | change, lawful=False)

    assert (400, [field]) == (
        answer.status_code,
        [fault["field"] for fault in answer.json()["error"]["details"]],
    )
    assert {} == simulator.truth()["jobs"]


def test_a_job_goes_from_queued_to_completed_and_counts_add_up(
    call: Caller, simulator: Simulator
) -> None:
    """
    Virtual times only: created at the epoch, completed some minutes later, delivered + bounced =
    all.
    """
    job_id = call.submit(ADDRESSES)
    queued = call("GET", f"{MAIL}/jobs/{job_id}").json()
    simulator.advance(3600)
    done = call("GET", f"{MAIL}/jobs/{job_id}").json()

    assert ("queued", None, 0) == (queued["status"], queued["completedAt"], queued["delivered"])
    assert ("completed", "2026-09-14T08:00:00Z", 400) == (
        done["status"],
        done["createdAt"],
        done["delivered"] + done["bounced"],
    )
    assert 404 == call("GET", f"{MAIL}/jobs/unknown").status_code


def test_pages_hold_every_event_once_whatever_their_size(
    call: Caller, simulator: Simulator
) -> None:
    """
    Cursors lose and repeat nothing; what is repeated is repeated by the world itself, and the truth
    knows how often.
    """
    job_id = call.submit(ADDRESSES)
    simulator.advance(WEEK_S)
    whole, small = call.events(job_id), call.events(job_id, limit=37)
    truth = simulator.truth()["jobs"][job_id]["events"]
    seen = Counter(
        event["eventType"] for event in {event["eventId"]: event for event in whole}.values()
    )

    assert whole == small
    assert truth == dict(seen) | {"duplicates": len(whole) - sum(seen.values())}
    assert call.events(job_id, eventType="bounce,click") == [
        event for event in whole if event["eventType"] in ("bounce", "click")
    ]


def test_a_full_last_page_still_has_a_cursor(call: Caller, simulator: Simulator) -> None:
    """Otherwise nobody could tell it from a page that was cut; the page behind it is empty."""
    job_id = call.submit(ADDRESSES)
    simulator.advance(WEEK_S)
    count = len(call.events(job_id))
    pages = list(
        call.pages(job_id, limit=next(size for size in range(2, count + 1) if count % size == 0))
    )

    assert [] == pages[-1]
    assert count == sum(map(len, pages))


def test_a_cursor_belongs_to_its_query(call: Caller, simulator: Simulator) -> None:
    """
    A cursor of another query, or an invented one, is refused, and so is a limit out of bounds.
    """
    job_id = call.submit(ADDRESSES)
    simulator.advance(WEEK_S)
    cursor = call("GET", f"{MAIL}/events", params={"jobId": job_id, "limit": 5}).json()[
        "nextCursor"
    ]
    wrong = [{"cursor": cursor, "eventType": "open"}, {"cursor": "eA=="}]

    assert [400, 400] == [
        call("GET", f"{MAIL}/events", params={"jobId": job_id, **query}).status_code
        for query in wrong
    ]
    assert (
        400
        == call(
            "GET", f"{MAIL}/events", params={"jobId": job_id, "limit": 1001}, lawful=False
        ).status_code
    )


def test_events_come_in_for_days_and_never_go_away(call: Caller, simulator: Simulator) -> None:
    """
    What was seen at an earlier time is the beginning of what is seen later: late events are behind,
    not between.
    """
    job_id, seen = call.submit(ADDRESSES), []
    for pause_s in (0, 600, 3600, 86400, WEEK_S):
        simulator.advance(pause_s)
        seen.append(call.events(job_id))

    assert [] == seen[0]
    assert all(len(earlier) < len(later) for earlier, later in pairwise(seen))
    assert all(later[: len(earlier)] == earlier for earlier, later in pairwise(seen))


def test_the_world_is_untidy_as_the_real_one(call: Caller, simulator: Simulator) -> None:
    """
    Disorder, unknown fields and kinds, other time zones, empty codes, clicks without opens, bounces
    after and before deliveries.
    """
    job_id = call.submit([row["email"] for row in people.recipients(7, 1000)])
    simulator.advance(WEEK_S)
    events = call.events(job_id)
    stamps = [event["timestamp"] for event in events if event["timestamp"].endswith("Z")]
    kinds: dict[str, list[str]] = {}
    for event in sorted(events, key=lambda event: event["eventId"] and event["timestamp"]):
        kinds.setdefault(event["messageId"], []).append(event["eventType"])
    stories = {" ".join(story) for story in kinds.values()}

    assert stamps != sorted(stamps)
    assert any("deliveryZone" in event for event in events)
    assert any(event["timestamp"].endswith("+02:00") for event in events)
    assert {"delivery", "bounce", "open", "click"} < {event["eventType"] for event in events}
    assert any("click" in story and "open" not in story for story in stories)
    assert {"bounce", "bounce delivery", "delivery bounce", "delivery"} <= stories


CHOSEN = [
    # tag            kinds of the first events
    ("unknown", ["bounce"]),
    ("full", ["bounce"]),
    ("returned", ["delivery", "bounce"]),
    ("timeout", ["bounce"]),
    ("delivered", ["delivery"]),
    ("scanned", ["delivery", "click", "click", "click", "click", "click"]),
    ("proxied", ["delivery", "open"]),
]


@pytest.mark.parametrize(("tag", "expected"), CHOSEN)
def test_a_tag_in_the_address_chooses_the_fate(tag: str, expected: list[str]) -> None:
    """
    For tests that need one certain person: `ann+full@…` has a full mailbox; a scanner's clicks come
    within a second.
    """
    story = life(7, f"ann+{tag}@acme-01.example", Letter("Q3", "t"))

    assert expected == [step.kind for step in story][: len(expected)]
    assert tag != "scanned" or story[5].after_s - story[0].after_s < 1


def test_rates_are_of_a_plausible_order() -> None:
    """
    Not measurements, but a report about them must look like one: 20,000 people, hard and all
    bounces, opens, clicks.
    """
    letter = Letter("Q3", "t")
    lives = [
        {step.kind for step in life(7, row["email"], letter)} for row in people.recipients(7, 20000)
    ]
    counts = Counter(kind for kinds in lives for kind in kinds)

    assert 0.92 < counts["delivery"] / 20000 < 0.98
    assert 0.03 < counts["bounce"] / 20000 < 0.08
    assert 0.18 < counts["open"] / counts["delivery"] < 0.40
    assert 0.04 < counts["click"] / counts["delivery"] < 0.15


def ask(
    world: World,
    method: str,
    path: str,
    now: float = 0,
    body: bytes = b"",
    query: dict[str, str] | None = None,
    **headers: str,
) -> Any:
    reply = world.answer(Ask(method, path, query or {}, headers, body, now))
    return json.loads(reply.body) if reply.body else None


def signed_in(world: World, now: float) -> dict[str, str]:
    form = "&".join(f"{name}={text}" for name, text in SIGN_IN.items())
    return {
        "authorization": "Bearer "
        + ask(world, "POST", "/v1/oauth2/token", now, form.encode())["access_token"]
    }


def told(seed: int, batches: list[list[str]], now: float) -> dict[str, Any]:
    """All jobs and events of a world, by job id."""
    world = World(Setup(seed=seed, speed=0))
    token = signed_in(world, now)
    jobs = [
        ask(world, "POST", f"{MAIL}/messages", now, json.dumps(order(batch)).encode(), {}, **token)[
            "jobId"
        ]
        for batch in batches
    ]
    world.advance(WEEK_S)
    return {
        job: ask(world, "GET", f"{MAIL}/events", now + 99, b"", {"jobId": job}, **token)["results"]
        for job in jobs
    }


def test_the_same_seed_tells_the_same_story() -> None:
    """
    The demo's notebooks are compared with their outputs: neither clock nor order of requests may
    matter, the seed must.
    """
    batches = [ADDRESSES[:90], ADDRESSES[90:180]]

    assert told(7, batches, now=0) == told(7, batches[::-1], now=12345.6)
    assert set(told(7, batches, now=0)).isdisjoint(told(8, batches, now=0))


def test_the_story_is_pinned() -> None:
    """The same on every machine and Python: who does this changes the committed notebooks too."""
    steps = [
        (f"{step.after_s:.3f}", step.kind, step.code)
        for address in ADDRESSES[:120]
        for step in life(7, address, Letter("Q3", "t"))
    ]

    assert (PINNED_COUNT, PINNED_FIRST) == (len(steps), steps[:3])


def test_the_same_body_twice_is_two_jobs_and_the_truth_says_who_got_two_mails(
    call: Caller, simulator: Simulator
) -> None:
    """E01: this is what a blind resend does, and how tests see it."""
    first, again = (
        call.submit(["ann@x.example", "bob@x.example"]),
        call.submit(["ann@x.example", "bob@x.example"]),
    )
    call.submit(["cid@x.example"])
    truth = simulator.truth()

    assert first != again
    assert truth["jobs"][first]["body_sha256"] == truth["jobs"][again]["body_sha256"]
    assert ["ann@x.example", "bob@x.example"] == truth["mailed_twice"]
    assert [2, 2, 1] == [row["count"] for row in truth["sends"]]


def test_an_idempotency_key_counts_only_where_it_is_known(simulator: Simulator) -> None:
    """
    Known: the same answer and no second job, and another body under the same key is refused. Not
    known: a second job.
    """
    counts = {}
    for window_s in (0, 60):
        simulator.reset(idempotency_window_s=window_s)
        call = Caller(simulator.url).sign_in()
        jobs = {call.submit(["ann@x.example"], **{"Idempotency-Key": "k1"}) for _ in range(2)}
        counts[window_s] = (len(jobs), len(simulator.truth()["jobs"]))
    other = call(
        "POST", f"{MAIL}/messages", json=order(["bob@x.example"]), headers={"Idempotency-Key": "k1"}
    )

    assert ({0: (2, 2), 60: (1, 1)}, 422) == (counts, other.status_code)


def test_tokens_end_and_scopes_bind(simulator: Simulator) -> None:
    """
    401 without a token, with a revoked and with an expired one; 403 where the scope was not
    granted.
    """
    simulator.reset(scopes="communications:email:read", expires_in_s=0.3)
    call, query = Caller(simulator.url), {"email": "a@b.example"}
    statuses = [call("GET", f"{MAIL}/suppressions", params=query, lawful=False).status_code]
    call.sign_in()
    statuses.append(call("GET", f"{MAIL}/suppressions", params=query).status_code)
    statuses.append(call("POST", f"{MAIL}/messages", json=order(["a@b.example"])).status_code)
    simulator.revoke_tokens()
    statuses.append(call("GET", f"{MAIL}/suppressions", params=query).status_code)
    call.sign_in()
    time.sleep(0.4)
    statuses.append(call("GET", f"{MAIL}/suppressions", params=query).status_code)

    assert [401, 200, 403, 401, 401] == statuses


def test_the_rate_limit_lets_so_many_pass_and_says_when_to_come_back() -> None:
    """
    10 a second: the eleventh at once is told to wait a second; after it, ten more pass. On the
    world's own clock.
    """
    world = World(Setup(rate_limit=10))
    first = [world.answer(Ask("GET", "/x", {}, {}, b"", 5.0)) for _ in range(11)]
    later = [world.answer(Ask("GET", "/x", {}, {}, b"", 6.0)).status for _ in range(11)]

    assert [404] * 10 + [429] == [reply.status for reply in first] == later
    assert "1" == first[-1].headers["Retry-After"]


def test_the_burst_is_what_may_come_at_once() -> None:
    """10 a second and 3 at once: the fourth is told to wait, a tenth of a second later one passes."""
    world = World(Setup(rate_limit=10, rate_burst=3))
    moments = [5.0, 5.0, 5.0, 5.0, 5.11, 5.11]
    statuses = [world.answer(Ask("GET", "/x", {}, {}, b"", at)).status for at in moments]

    assert [404, 404, 404, 429, 404, 429] == statuses


def test_unknown_paths_are_refused_and_recorded(simulator: Simulator) -> None:
    """Whoever asks for what the contract doesn't have is seen."""
    status = requests.get(f"{simulator.url}/v2/other", timeout=5).status_code

    assert (404, ["GET /v2/other"]) == (status, simulator.truth()["unhandled"])


ANSWERED = [
    # fault                        request         status   what the answer shows
    ("refuse_token_503", "token", 503, lambda answer: "1" == answer.headers["Retry-After"]),
    ("token_wrong_secret", "token", 401, lambda answer: "invalid_client" == answer.json()["error"]),
    ("token_expiry_text", "token", 200, lambda answer: "3600" == answer.json()["expires_in"]),
    ("token_expiry_missing", "token", 200, lambda answer: "expires_in" not in answer.json()),
    ("expire_tokens", "check", 401, lambda answer: "invalid_token" == answer.json()["error"]),
    ("missing_scope", "check", 403, lambda answer: "scope" in answer.json()["Message"]),
    ("rate_limited", "check", 429, lambda answer: "1" == answer.headers["Retry-After"]),
    (
        "rate_limited_date",
        "check",
        429,
        lambda answer: email.utils.parsedate_to_datetime(answer.headers["Retry-After"]),
    ),
    ("server_error_503", "check", 503, lambda answer: answer.json()["errors"]),
    ("server_error_500_html", "check", 500, lambda answer: answer.text.startswith("<html>")),
    ("redirect", "check", 307, lambda answer: "/elsewhere" == answer.headers["Location"]),
    ("suppression_500", "check", 500, lambda answer: answer.json()["error"]),
    ("quota_exceeded", "post", 429, lambda answer: "quota" in answer.json()["title"]),
    (
        "post_500_before_accept",
        "post",
        500,
        lambda answer: "internal_error" == answer.json()["error"]["code"],
    ),
    ("post_502_after_accept", "post", 502, lambda answer: "<html>" in answer.text),
    ("post_504_after_accept", "post", 504, lambda answer: "<html>" in answer.text),
    ("slicer", "events", 200, lambda answer: 5 == len(answer.json()["results"])),
    ("job_404_lag", "job", 404, lambda answer: "job_not_found" == answer.json()["error"]["code"]),
    (
        "events_no_cursor",
        "events",
        200,
        lambda answer: 5 == len(answer.json()["results"]) and "nextCursor" not in answer.json(),
    ),
    ("job_fails", "post then job", 200, lambda answer: "failed" == answer.json()["status"]),
    ("job_cancelled", "post then job", 200, lambda answer: "cancelled" == answer.json()["status"]),
    (
        "job_never_ends",
        "post then job",
        200,
        lambda answer: "processing" == answer.json()["status"],
    ),
    (
        "job_unknown_status",
        "post then job",
        200,
        lambda answer: "COMPLETED" == answer.json()["status"],
    ),
]


@pytest.mark.parametrize(
    ("fault", "request_", "status", "shows"), ANSWERED, ids=[row[0] for row in ANSWERED]
)
def test_a_fault_answers_as_its_name_says(
    call: Caller,
    simulator: Simulator,
    fault: str,
    request_: str,
    status: int,
    shows: Callable[[requests.Response], Any],
) -> None:
    """Faults that keep to the contract's answers: once as armed, and then all is well again."""
    job_id = call.submit(ADDRESSES[:50])
    simulator.advance(WEEK_S)
    forms: dict[str, Callable[[], requests.Response]] = {
        "token": lambda: call("POST", "/v1/oauth2/token", data=SIGN_IN),
        "check": lambda: call("GET", f"{MAIL}/suppressions", params={"email": "a@b.example"}),
        "post": lambda: call("POST", f"{MAIL}/messages", json=order(["a@b.example"])),
        "job": lambda: call("GET", f"{MAIL}/jobs/{job_id}"),
        "events": lambda: call("GET", f"{MAIL}/events", params={"jobId": job_id, "limit": 5}),
    }
    simulator.arm(fault)
    if request_ == "post then job":
        job_id = call.submit(ADDRESSES[:50])
        simulator.advance(WEEK_S)
    answer = forms[request_.rsplit(maxsplit=1)[-1]]()

    assert status == answer.status_code
    assert shows(answer)
    assert {fault: 1} == simulator.truth()["faults"]
    if fault.startswith("post_"):
        assert (2 if fault.endswith("after_accept") else 1) == len(simulator.truth()["jobs"])
    call.sign_in()
    assert (forms[request_.rsplit(maxsplit=1)[-1]]().status_code == status) == (status == 200)


UNLAWFUL = [
    # fault                        path                        what the raw answer shows
    (
        "suppression_404_html",
        f"{MAIL}/suppressions?email=a%40b.example",
        lambda answer: 404 == answer.status_code and "json" not in answer.headers["Content-Type"],
    ),
    (
        "suppression_other_address",
        f"{MAIL}/suppressions?email=a%40b.example",
        lambda answer: "someone.else@other.example" == answer.json()["results"][0]["emailAddress"],
    ),
    (
        "not_json",
        f"{MAIL}/suppressions?email=a%40b.example",
        lambda answer: 200 == answer.status_code and answer.text.startswith("<html>"),
    ),
]


@pytest.mark.parametrize(("fault", "path", "shows"), UNLAWFUL, ids=[row[0] for row in UNLAWFUL])
def test_a_fault_that_breaks_the_contract(
    call: Caller,
    simulator: Simulator,
    fault: str,
    path: str,
    shows: Callable[[requests.Response], bool],
) -> None:
    """What a proxy, a login page or a broken index would answer."""
    simulator.arm(fault)

    assert shows(requests.get(call.url + path, headers=call.session.headers, timeout=5))


LOST = [
    # fault                        accepted?   what the caller sees
    ("post_reset_before_accept", 0, requests.ConnectionError),
    ("post_reset_after_accept", 1, requests.ConnectionError),
    ("post_hang", 0, requests.ReadTimeout),
    ("post_hang_after_accept", 1, requests.ReadTimeout),
    ("reset", 0, requests.ConnectionError),
    ("hang", 0, requests.ReadTimeout),
]


@pytest.mark.parametrize(("fault", "accepted", "seen"), LOST, ids=[row[0] for row in LOST])
def test_a_lost_answer_looks_the_same_whether_or_not_the_mail_went_out(
    call: Caller,
    simulator: Simulator,
    fault: str,
    accepted: int,
    seen: type[Exception],
) -> None:
    """E01, E02, E06: only the truth endpoint knows; the next request is served as ever."""
    simulator.arm(fault, endpoint="messages")
    with pytest.raises(seen):
        call.session.post(f"{call.url}{MAIL}/messages", json=order(["a@b.example"]), timeout=0.5)

    assert accepted == len(simulator.truth()["jobs"])
    assert 200 == call("GET", f"{MAIL}/suppressions", params={"email": "a@b.example"}).status_code


def test_an_accepted_post_can_come_back_without_its_job(call: Caller, simulator: Simulator) -> None:
    """2xx and no jobId: accepted, and nobody can poll it."""
    simulator.arm("post_2xx_without_job_id")
    answer = requests.post(
        f"{call.url}{MAIL}/messages",
        json=order(["a@b.example"]),
        headers=call.session.headers,
        timeout=5,
    )

    assert (202, {"status": "queued"}, 1) == (
        answer.status_code,
        answer.json(),
        len(simulator.truth()["jobs"]),
    )


def test_a_dripping_answer_never_times_out_by_itself(call: Caller, simulator: Simulator) -> None:
    """
    Each byte comes before the read timeout, the whole answer doesn't: only a deadline over all ends
    it.
    """
    simulator.arm("drip")
    answer = requests.get(
        f"{call.url}{MAIL}/suppressions?email=a%40b.example",
        headers=call.session.headers,
        timeout=1,
        stream=True,
    )
    began, chunks = time.monotonic(), answer.iter_content(1)

    assert 4 == len([next(chunks) for _ in range(4)])
    assert time.monotonic() - began > 0.5


def test_paging_faults_go_round_in_circles(call: Caller, simulator: Simulator) -> None:
    """
    A cursor that stands still, and a page that comes twice under a new cursor; both would loop or
    count double.
    """
    job_id = call.submit(ADDRESSES[:50])
    simulator.advance(WEEK_S)
    first = call("GET", f"{MAIL}/events", params={"jobId": job_id, "limit": 9}).json()
    simulator.arm("events_repeat_cursor")
    second = call(
        "GET", f"{MAIL}/events", params={"jobId": job_id, "limit": 9, "cursor": first["nextCursor"]}
    ).json()
    simulator.arm("events_duplicate_page")
    twice = [call("GET", f"{MAIL}/events", params={"jobId": job_id, "limit": 9}).json()]
    twice.append(
        call(
            "GET",
            f"{MAIL}/events",
            params={"jobId": job_id, "limit": 9, "cursor": twice[0]["nextCursor"]},
        ).json()
    )

    assert first["nextCursor"] == second["nextCursor"]
    assert twice[0]["results"] == twice[1]["results"]
    assert twice[0]["nextCursor"] != twice[1]["nextCursor"]


def test_arming_says_when_how_often_and_where(call: Caller, simulator: Simulator) -> None:
    """
    After two, twice, on checks only; a share strikes the same requests in every run of a seed.
    """
    simulator.arm("server_error_503", after=2, count=2, endpoint="suppressions")
    statuses = [
        call("GET", f"{MAIL}/suppressions", params={"email": "a@b.example"}).status_code
        for _ in range(6)
    ]
    simulator.arm(None)
    simulator.arm("server_error_503", share=0.3, count=None)
    struck = [
        call("GET", f"{MAIL}/suppressions", params={"email": "a@b.example"}).status_code
        for _ in range(40)
    ].count(503)

    assert [200, 200, 503, 503, 200, 200] == statuses
    assert 5 < struck < 20
    assert (
        400
        == requests.post(f"{call.url}/_sim/faults", json={"name": "no_such"}, timeout=5).status_code
    )


def test_the_webhook_receiver_keeps_what_came_and_checks_who_sent_it(simulator: Simulator) -> None:
    """
    A signature of the standard's own library is taken, a changed body is not, and the faults of a
    CRM are there.
    """
    from tests.conftest import CRM_SECRET

    body, now = '{"event":"email_job_completed"}', datetime.now(UTC)
    signed = Webhook(CRM_SECRET).sign("msg_1", now, body)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signed,
    }

    def post(text: str) -> int:
        return requests.post(
            f"{simulator.url}/_sim/crm", data=text, headers=headers, timeout=5
        ).status_code

    statuses = [post(body), post(body + " ")]
    for fault in ("crm_503", "crm_410"):
        simulator.arm(fault)
        statuses.append(post(body))
    hooks = simulator.received(raw=True)

    assert [200, 401, 503, 410] == statuses
    assert [(True, "msg_1"), (False, "msg_1")] == [
        (hook["verified"], hook["headers"]["webhook-id"]) for hook in hooks
    ]


def test_every_fault_is_shown_by_a_test() -> None:
    """The table of faults is complete: each name stands in this file."""
    text = Path(__file__).read_text(encoding="utf-8")

    assert [] == [
        name for name in FAULTS if f'"{name}"' not in text and name not in ("crm_hang", "crm_slow")
    ]


def test_it_ends_with_its_parent(start_simulator: Callable[..., Simulator]) -> None:
    """With --exit-on-eof no simulator outlives whoever started it, even with an answer hanging."""
    other = start_simulator(fault="hang=1")
    assert other.process.stdin
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{other.url}{MAIL}/jobs/x", timeout=0.3)
    other.process.stdin.close()

    assert 0 == other.process.wait(timeout=5)


def test_a_connection_of_ones_own_takes_every_setting(tmp_path: Path) -> None:
    """What `connect("simulator")` sets by itself can be given too; it was a TypeError."""
    settings = connect(
        "simulator", home=tmp_path, event_horizon_s=60, client_secret="other"
    ).settings

    assert (tmp_path, 60, "other") == (
        settings.home,
        settings.event_horizon_s,
        settings.client_secret.reveal(),
    )


def test_a_file_keeps_the_jobs(start_simulator: Callable[..., Simulator], tmp_path: Path) -> None:
    """
    Who serves with the same file knows them, beside the first or after it, and tells the same; half
    a line that a kill left spoils none; a new world empties the file, which only its owner reads.
    """
    state = tmp_path / "jobs.jsonl"
    first = start_simulator(speed="inf", state=state)
    beside = start_simulator(speed="inf", state=state)
    calls = [Caller(first.url).sign_in(), Caller(beside.url).sign_in()]
    job_id = calls[0].submit(ADDRESSES[:20])
    with state.open("a") as file:
        file.write('{"job_id": "half')
    calls[1].submit(ADDRESSES[20:40])
    first.stop()
    after = start_simulator(speed="inf", state=state)
    calls.append(Caller(after.url).sign_in())
    told = [call.events(job_id) for call in calls[1:]]
    mode = state.stat().st_mode & 0o777
    jobs = [len(each.truth()["jobs"]) for each in (beside, after)]
    after.reset()

    assert told[0] == told[1] != []
    assert ([2, 2], 0o600, b"") == (jobs, mode, state.read_bytes())


def test_a_notebook_that_is_run_again_goes_on(tmp_path: Path) -> None:
    """
    Another simulator, at another port, in the same home: the same account, nobody mailed twice, and
    each answer says which store it comes from.
    """
    campaign = Campaign.from_list(
        ADDRESSES[:20],
        name="q3",
        subject="Q3",
        template_id="a1b2c3d4-e5f6-7890-abcd-ef1234567890",
        sender="me@example.com",
    )
    clients = [connect("simulator", home=tmp_path) for _ in range(2)]
    states = []
    for client in clients:
        client.quiet = True
        states.append(client.send(campaign).state)
    urls = {client.settings.env_url for client in clients}
    truth = requests.get(f"{clients[1].settings.env_url}/_sim/truth", timeout=10).json()
    answer = cxtools.funnel("q3").head(1)

    assert (["completed"] * 2, 2) == (states, len(urls))
    assert (1, []) == (len(truth["jobs"]), truth["mailed_twice"])
    assert f"simulator · home {tmp_path}" == repr(clients[1])
    assert answer.text().endswith(f"\nFrom the simulator, {tmp_path}")
    assert f"From the simulator, {tmp_path}" in str(answer._repr_html_())
    assert cxtools.funnel("q3", home=tmp_path).text().endswith(f"From the store in {tmp_path}")


def test_a_simulator_has_a_home_of_its_own(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A folder in the home, which stays; paths are said from here, and no secret is said."""
    monkeypatch.setenv("CXTOOLS_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    client = connect("simulator")
    environment = connect(env_url="https://example.com", client_id="me", client_secret="c4nary")

    assert home / "simulator" == client.settings.home
    assert "simulator · home home/simulator" == repr(client)
    assert "profile default · me at https://example.com · home home" == repr(environment)
    assert "profile default · no account set · home home" == repr(connect())
    assert ("From the simulator, home/simulator", "") == (client.origin, environment.origin)


def test_tab_on_a_connection_shows_what_is_meant_for_notebooks() -> None:
    """What is done with a campaign, and no part that only modules of cxtools use."""
    shown = dir(connect())

    assert {"collect", "resume", "send", "settings", "status"} <= set(shown)
    assert {"context", "engine", "ledger", "needs_all", "store"}.isdisjoint(shown)
    assert [] == [name for name in shown if name.startswith("_")]


def test_recipients_and_history_are_files_of_the_same_world(tmp_path: Path) -> None:
    """
    The list is the world's own people at reserved domains; the past has the contract's shape, a bad
    list and a block.
    """
    run = [sys.executable, "-m", "cxtools.simulator"]
    listed = subprocess.run(
        [*run, "recipients", "--count", "300", "--seed", "7"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    subprocess.run(
        [
            *run,
            "history",
            "--campaigns",
            "8",
            "--recipients",
            "800",
            "--seed",
            "7",
            "--out",
            str(tmp_path),
        ],
        capture_output=True,
        check=True,
    )
    past = {
        path.stem: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in sorted(tmp_path.iterdir())
    }
    bounced = {
        name: len({event["messageId"] for event in events if event["eventType"] == "bounce"}) / 800
        for name, events in past.items()
    }
    promised = {"eventType", "jobId", "messageId", "recipientId", "emailAddress", "timestamp"}

    assert [row.split(",")[0] for row in listed.splitlines()[1:]] == ADDRESSES[:300]
    assert all(row.split(",")[0].endswith(".example") for row in listed.splitlines()[1:])
    assert 8 == len(past)
    assert {"2026-06-event", "2026-07-launch"} == {
        name for name, share in bounced.items() if share > 0.1
    }
    assert promised <= set.intersection(
        *(set(event) for events in past.values() for event in events)
    )
