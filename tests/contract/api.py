"""
The API as the fault server plays it: its endpoints, good answers, and clients that ask it.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from cxtools.api.client import Client
from cxtools.errors import CxError
from cxtools.settings import Settings
from tests.fault_server import Fault, FaultServer, Reply

TOKEN = "POST /v1/oauth2/token"
SUPPRESSIONS = "GET /v1/communications/email/suppressions"
MESSAGES = "POST /v1/communications/email/messages"
JOB = "GET /v1/communications/email/jobs/j1"
EVENTS = "GET /v1/communications/email/events"

SECRET = "c4nary+s3cret/%&="
BEARER = "c4nary-t0ken-Xyz"
ADDRESS = "c4nary.jane@example.com"

CLEAR = Reply(200, {"results": []})
OWN_404 = Reply(404, {"error": {"code": "not_found", "message": "not on the list"}})
ACCEPTED = Reply(202, {"jobId": "j1", "status": "queued"})
QUEUED = Reply(200, {"jobId": "j1", "status": "queued"})
#: Faults that only a deadline ends.
SLOW = {"hang", "drip_head", "drip_body", "slicer"}


def token(text: str = BEARER, **more: Any) -> Reply:
    return Reply(200, {"access_token": text, "token_type": "Bearer", "expires_in": 3600, **more})


def listed(email: str = ADDRESS) -> Reply:
    """The suppression list with one entry."""
    entry = {"emailAddress": email, "reason": "complaint", "addedDate": "2026-01-02T03:04:05Z"}
    return Reply(200, {"results": [entry]})


def event(n: object = 0, **more: Any) -> dict[str, Any]:
    return {
        "eventType": "open",
        "jobId": "j1",
        "messageId": f"m{n}",
        "recipientId": f"r{n}",
        "timestamp": "2026-09-14T10:00:00Z",
        **more,
    }


def label(value: object) -> str:
    """How a reply or a fault is called in the list of tests."""
    if isinstance(value, Fault):
        return value.name
    if isinstance(value, Reply):
        return f"{value.status}-{json.dumps(value.body, default=repr)[:40]}"
    return getattr(value, "__name__", str(value))


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.waits_s: list[float] = []

    def __call__(self) -> float:
        return self.at

    def sleep(self, wait_s: float) -> None:
        self.waits_s.append(wait_s)
        self.at += wait_s


def new_client(server: FaultServer, clock: Clock | None = None, **more: Any) -> Client:
    """A client of this server, by the clock of the test if it has one."""
    facts: dict[str, Any] = {
        "env_url": server.url,
        "client_id": "me",
        "client_secret": SECRET,
        "call_deadline_s": 2.0,
        "patience_s": 20.0,
    }
    settings = Settings(**facts | more)
    rng = random.Random(1)
    if clock is None:
        return Client(settings, rng=rng)
    return Client(settings, rng=rng, clock=clock, now=clock, sleep=clock.sleep)


CALLS: dict[str, Callable[[Client], Any]] = {
    # endpoint     one call of it
    TOKEN: lambda client: client.sign_in(),
    SUPPRESSIONS: lambda client: client.fetch_suppression(ADDRESS),
    MESSAGES: lambda client: client.submit(b"{}", idempotency_key="k"),
    JOB: lambda client: client.fetch_job("j1"),
    EVENTS: lambda client: list(client.fetch_event_pages("j1")),
}


class Ended(NamedTuple):
    """What a call ended with, in a word, and after how many seconds."""

    word: str
    took_s: float


def timed(call: Callable[[Client], Any], client: Client) -> Ended:
    started = time.monotonic()
    try:
        word = call(client).kind
    except CxError as error:
        word = type(error).__name__
    return Ended(word, time.monotonic() - started)
