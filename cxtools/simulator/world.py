"""
The API as a state machine: a request and a moment in, an answer out. No socket, no clock, no
threads.

Two times run side by side. *Virtual* time is what answers say: the epoch, plus what `advance`
added; it never looks at a clock, so two runs tell the same story. *Real* time (`now`, seconds,
monotonic) only decides how much of the story can be seen yet: age = seconds since the POST x speed,
plus what was advanced since.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import math
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote_plus

from cxtools.simulator.faults import FAULTS, Answer, Armed, Fault, answer
from cxtools.simulator.jobs import Job, Story, faults_of, iso, story, uuid_of
from cxtools.simulator.people import dice, digest, suppressed

MAIL, SCOPE = "/v1/communications/email", "communications:email"
JOB_SPEED = 400.0  # jobs end in 0.3 to 1.5 real seconds, also when days pass in seconds
PAGE = 1000


def option(default: Any, about: str) -> Any:
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True)
class Setup:
    """
    How this world is; each field is also a flag of the command line and a key of POST /_sim/reset.
    """

    seed: int = option(7, "which world: people, fates, identifiers")
    epoch: str = option("2026-09-14T08:00:00Z", "virtual time at the start")
    speed: float = option(
        60480.0,
        "virtual seconds per real second; 60480: a week in ten seconds; inf: all at once; 0: only by advance",
    )
    latency_ms: float = option(0.0, "real milliseconds before each answer")
    rate_limit: float = option(0.0, "requests per second before 429; 0: no limit")
    expires_in_s: float = option(3600.0, "life of a token in real seconds")
    client_id: str = option("simulator", "the client id that may sign in")
    client_secret: str = option("simulator", "its secret")
    scopes: str = option(
        f"{SCOPE}:send {SCOPE}:read {SCOPE}:analytics",
        "scopes the client may have, with spaces between",
    )
    population: int = option(
        20000, "how many rows of the seeded recipient list the suppression list was made for"
    )
    suppression_404: bool = option(
        False, "say 404 with a JSON error for an address that is not listed, not empty results"
    )
    suppression_listing: bool = option(
        False, "list all suppressions in pages when no address is asked for"
    )
    idempotency_window_s: float = option(
        0.0, "honour Idempotency-Key for so many real seconds; 0: not known"
    )
    no_event_ids: bool = option(False, "events without eventId")
    no_cursors: bool = option(False, "events without paging: the first page only, no nextCursor")
    empty_204: bool = option(False, "204 for no events")
    crm_secret: str = option(
        "", "whsec_...: the webhook receiver checks Standard Webhooks signatures"
    )


class Ask(NamedTuple):
    """
    A request; header names in lower case. `ending` is how the job of a submit ends: a fault's
    doing.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    now: float
    ending: str = "completed"


class World:
    """
    Everything the simulated tenant knows. `answer` is the only way in; the rest is for whoever runs
    the simulation.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.epoch = datetime.fromisoformat(setup.epoch).astimezone(UTC)
        self.offset_s = 0.0
        self.job_speed = setup.speed if setup.speed == math.inf else min(setup.speed, JOB_SPEED)
        self.jobs: dict[str, Job] = {}
        self.stories: dict[str, Story] = {}
        self.suppressed = {
            address: "hard_bounce" for address in suppressed(setup.seed, setup.population)
        }
        self.tokens: dict[str, tuple[float, frozenset[str]]] = {}
        self.faults: list[Armed] = []
        self.log: list[tuple[float, str, int]] = []
        self.struck: Counter[str] = Counter()
        self.signed_in = 0
        self.sends: Counter[tuple[str, str, str]] = Counter()
        self.bodies: Counter[str] = Counter()
        self.keys: dict[str, tuple[float, str, Answer]] = {}
        self.unhandled: list[str] = []
        self.received: list[dict[str, Any]] = []
        self._bucket: tuple[float, float] | None = None

    def answer(self, ask: Ask) -> Answer:
        """
        The answer to a request, faults and limits included; `how` tells the server what to do to
        the transport.
        """
        if (endpoint := _endpoint(ask)) == "unhandled":
            self.unhandled.append(f"{ask.method} {ask.path}")
        reply = self._limited(endpoint, ask.now) or self._under(
            self._tripped(endpoint), endpoint, ask
        )
        self.log.append((ask.now, endpoint, reply.status))
        return reply._replace(
            headers={**reply.headers, "x-trace-id": f"sim-{self.setup.seed}-{len(self.log):07}"}
        )

    def _under(self, fault: Fault | None, endpoint: str, ask: Ask) -> Answer:
        if fault is None:
            return self._plain(endpoint, ask)
        if fault.revokes:
            self.tokens.clear()
        if fault.instead:
            return fault.instead
        reply = self._plain(endpoint, ask._replace(ending=fault.ending or ask.ending))
        if fault.after and reply.status < 300:
            return fault.after
        return fault.twist(reply, ask.query) if fault.twist else reply

    def _plain(self, endpoint: str, ask: Ask) -> Answer:
        if endpoint not in ENDPOINTS:
            return answer(404, {"errors": [{"field": "path", "message": "no such resource"}]})
        scope = ENDPOINTS[endpoint].scope
        return (scope and self._denied(ask, scope)) or ENDPOINTS[endpoint].answer(self, ask)

    def _tripped(self, endpoint: str) -> Fault | None:
        for armed in self.faults:
            if armed.trips(endpoint, self.setup.seed):
                self.struck[armed.name] += 1
                return FAULTS[armed.name]
        return None

    def _limited(self, endpoint: str, now: float) -> Answer | None:
        if not (rate := self.setup.rate_limit) or endpoint == "crm":
            return None
        level, then = self._bucket or (max(1.0, rate), now)
        level = min(max(1.0, rate), level + (now - then) * rate)
        self._bucket = (level - 1 if level >= 1 else level, now)
        if level >= 1:
            return None
        return answer(
            429,
            b"",
            {
                "Retry-After": str(math.ceil((1 - level) / rate)),
                "icStatusDescription": "rate limit exceeded",
            },
        )

    def _denied(self, ask: Ask, scope: str) -> Answer | None:
        kind, _, token = ask.headers.get("authorization", "").partition(" ")
        expires_at, scopes = self.tokens.get(token, (0.0, frozenset()))
        if kind.lower() != "bearer" or token not in self.tokens or ask.now >= expires_at:
            problem = {
                "error": "invalid_token",
                "errorDescription": "the access token is missing, expired or revoked",
            }
            return answer(401, problem, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        if scope not in scopes:
            return answer(403, {"Message": f"scope {scope} is required"})
        return None

    def _token(self, ask: Ask) -> Answer:
        form = {
            name: texts[0]
            for name, texts in parse_qs(
                ask.body.decode("utf-8", "replace"), keep_blank_values=True
            ).items()
        }
        if "client_secret" in ask.query:
            return _no_token(
                400, "invalid_request", "credentials don't belong into the query string"
            )
        if form.get("grant_type") != "client_credentials":
            return _no_token(400, "unsupported_grant_type", "grant_type must be client_credentials")
        given = _basic(ask.headers.get("authorization", "")) or (
            form.get("client_id", ""),
            form.get("client_secret", ""),
        )
        if given != (self.setup.client_id, self.setup.client_secret):
            return _no_token(401, "invalid_client", "unknown client or wrong secret")
        granted = frozenset(self.setup.scopes.split())
        scopes = granted & set(form["scope"].split()) if form.get("scope") else granted
        self.signed_in += 1
        token = f"sim.{digest(self.setup.seed, 'token', self.signed_in)[:40]}"
        self.tokens[token] = (ask.now + self.setup.expires_in_s, scopes)
        grant = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(self.setup.expires_in_s),
        }
        return answer(
            200, grant | {"scope": " ".join(sorted(scopes))}, {"Cache-Control": "no-store"}
        )

    def _suppressions(self, ask: Ask) -> Answer:
        email = ask.query.get("email", "").lower()
        if not email:
            return self._suppression_page(ask)
        reason = self.suppressed.get(email)
        if reason is None and self.setup.suppression_404:
            return _problem(
                404, "suppression_not_found", "the address is not on the suppression list"
            )
        return answer(200, {"results": [self._listed(email, reason)] if reason else []})

    def _suppression_page(self, ask: Ask) -> Answer:
        span = _span(ask.query, "list")
        if not self.setup.suppression_listing or span is None:
            return answer(400, {"errors": [{"field": "email", "message": "email is required"}]})
        rows = list(self.suppressed.items())[span]
        return answer(
            200,
            {
                "results": [self._listed(*row) for row in rows],
                "nextCursor": _cursor(span, rows, "list"),
            },
        )

    def _listed(self, address: str, reason: str) -> dict[str, str]:
        return {
            "emailAddress": address,
            "reason": reason,
            "addedDate": iso(self.epoch - timedelta(days=30 + len(address))),
        }

    def _messages(self, ask: Ask) -> Answer:
        if len(ask.body) > 16 << 20:
            return answer(413, {"Message": "the body is larger than 16 MB"})
        try:
            order = json.loads(ask.body)
        except (ValueError, RecursionError):
            return _problem(400, "malformed_json", "the body is no JSON")
        if wrong := [{"field": name, "message": why} for name, why in faults_of(order).items()]:
            return _problem(400, "validation_failed", "the message is not valid", wrong[:50])
        sha, key = hashlib.sha256(ask.body).hexdigest(), ask.headers.get("idempotency-key", "")
        if key and (known := self._replayed(key, sha, ask.now)):
            return known
        job = self._accepted(order, sha, key, ask)
        reply = answer(202, {"jobId": job.job_id, "status": "queued"})
        if key and self.setup.idempotency_window_s:
            self.keys[key] = (ask.now, sha, reply)
        return reply

    def _replayed(self, key: str, sha: str, now: float) -> Answer | None:
        then, known, reply = self.keys.get(key, (-math.inf, "", None))
        if reply is None or now - then > self.setup.idempotency_window_s:
            return None
        return (
            reply
            if sha == known
            else _problem(422, "idempotency_key_reused", "the key was used for another body")
        )

    def _accepted(self, order: dict[str, Any], sha: str, key: str, ask: Ask) -> Job:
        self.bodies[sha] += 1
        letters = [
            (row["toAddress"].lower(), order["templateId"], order["subject"])
            for row in order["recipients"]
        ]
        job_id, nths = (
            uuid_of(self.setup.seed, sha, self.bodies[sha]),
            [self.sends[letter] for letter in letters],
        )
        job = Job(job_id, order, sha, key, nths, ask.now, self.offset_s, ask.ending)
        self.sends.update(letters)
        self.jobs[job.job_id] = job
        return job

    def _job(self, ask: Ask) -> Answer:
        job = self.jobs.get(ask.path.rsplit("/", 1)[1])
        if job is None:
            return _problem(404, "job_not_found", "there is no job with this id")
        told, created = self._story(job), self.epoch + timedelta(seconds=job.offset_s)
        progress = min(1.0, self._age(job, ask.now, self.job_speed) / job.latency_s)
        done = progress >= 1 and job.ending != "never"
        ended = iso(created + timedelta(seconds=job.latency_s)) if done else None
        return answer(
            200,
            {
                "jobId": job.job_id,
                "status": job.status(progress),
                "createdAt": iso(created),
                "completedAt": ended,
                "totalRecipients": len(job.order["recipients"]),
                "delivered": int(told.delivered * progress),
                "bounced": int((job.reached - told.delivered) * progress),
                "spamScore": round(
                    dice(job.order["subject"], job.order["templateId"]).random() * 3, 1
                )
                if done
                else None,
            },
        )

    def _events(self, ask: Ask) -> Answer:
        job = self.jobs.get(ask.query.get("jobId", ""))
        if job is None:
            return _problem(
                404 if ask.query.get("jobId") else 400,
                "job_not_found",
                "jobId is missing or unknown",
            )
        kinds = frozenset(filter(None, ask.query.get("eventType", "").lower().split(",")))
        mark = f"{job.job_id}{','.join(sorted(kinds))}"
        span = _span(ask.query, mark, cursors=not self.setup.no_cursors)
        if span is None:
            return answer(
                400,
                {
                    "errors": [
                        {
                            "field": "limit, cursor",
                            "message": "limit must be 1 to 1000, cursor ours for this query",
                        }
                    ]
                },
            )
        events, age = self._story(job).events, self._age(job, ask.now, self.setup.speed)
        seen = events[: bisect_right(events, age, key=lambda event: event[0])]
        page = [wire for _, kind, wire in seen if not kinds or kind in kinds][span]
        if not page and self.setup.empty_204:
            return answer(204)
        cursor = None if self.setup.no_cursors else _cursor(span, page, mark)
        return answer(
            200,
            b'{"results":[%b],"nextCursor":%b}' % (b",".join(page), json.dumps(cursor).encode()),
        )

    def _crm(self, ask: Ask) -> Answer:
        verified = _verified(self.setup.crm_secret, ask) if self.setup.crm_secret else None
        body = ask.body.decode("utf-8", "replace")
        self.received.append(
            {"headers": dict(ask.headers), "body": body, "verified": verified, "at": ask.now}
        )
        return (
            answer(401, {"error": "bad signature"})
            if verified is False
            else answer(200, {"received": len(self.received)})
        )

    def _age(self, job: Job, now: float, speed: float) -> float:
        real = math.inf if speed == math.inf else (now - job.accepted_at) * speed
        return real + self.offset_s - job.offset_s

    def _story(self, job: Job) -> Story:
        if job.job_id not in self.stories:
            self.stories[job.job_id] = story(
                self.setup.seed, job, self.epoch, event_ids=not self.setup.no_event_ids
            )
        return self.stories[job.job_id]

    def advance(self, seconds: float) -> float:
        """Let virtual time pass; everything older than it becomes visible."""
        self.offset_s += seconds
        return self.offset_s

    def truth(self) -> dict[str, Any]:
        """What was really asked, accepted and done, for tests to compare with."""
        requests: dict[str, Counter[str]] = defaultdict(Counter)
        for _, endpoint, status in self.log:
            requests[endpoint][str(status)] += 1
        return {
            "jobs": {job.job_id: self._job_truth(job) for job in self.jobs.values()},
            "sends": [
                {"address": address, "templateId": template, "subject": subject, "count": count}
                for (address, template, subject), count in self.sends.items()
            ],
            "mailed_twice": sorted(
                {letter[0] for letter, count in self.sends.items() if count > 1}
            ),
            "suppressed_mailed": sorted(
                {letter[0] for letter in self.sends} & self.suppressed.keys()
            ),
            "requests": requests,
            "requests_total": len(self.log),
            "unhandled": self.unhandled,
            "tokens": self.signed_in,
            "faults": self.struck,
        }

    def _job_truth(self, job: Job) -> dict[str, Any]:
        told = self._story(job)
        return {
            "recipients": [row["toAddress"] for row in job.order["recipients"]],
            "subject": job.order["subject"],
            "templateId": job.order["templateId"],
            "body_sha256": job.body_sha256,
            "idempotency_key": job.idempotency_key,
            "ending": job.ending,
            "delivered": told.delivered,
            "events": dict(told.counts),
        }


class Endpoint(NamedTuple):
    """A method and the pattern of a path, the scope that they need ("": none), and who answers."""

    method: str
    path: str
    scope: str
    answer: Callable[[World, Ask], Answer]


ENDPOINTS = {
    "token": Endpoint("POST", "/v1/oauth2/token", "", World._token),
    "suppressions": Endpoint("GET", f"{MAIL}/suppressions", f"{SCOPE}:read", World._suppressions),
    "messages": Endpoint("POST", f"{MAIL}/messages", f"{SCOPE}:send", World._messages),
    "job": Endpoint("GET", f"{MAIL}/jobs/.*", f"{SCOPE}:read", World._job),
    "events": Endpoint("GET", f"{MAIL}/events", f"{SCOPE}:analytics", World._events),
    "crm": Endpoint("POST", "/_sim/crm", "", World._crm),
}


def _endpoint(ask: Ask) -> str:
    fits = (
        name
        for name, each in ENDPOINTS.items()
        if ask.method == each.method and re.fullmatch(each.path, ask.path)
    )
    return next(fits, "unhandled")


def _problem(
    status: int, code: str, message: str, details: list[dict[str, str]] | None = None
) -> Answer:
    return answer(status, {"error": {"code": code, "message": message, "details": details or []}})


def _no_token(status: int, error: str, why: str) -> Answer:
    return answer(
        status,
        {"error": error, "error_description": why},
        {"WWW-Authenticate": "Basic"} if status == 401 else {},
    )


def _basic(header: str) -> tuple[str, str] | None:
    """Client id and secret of a Basic header; both are form-encoded inside (RFC 6749 2.3.1)."""
    kind, _, packed = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(packed, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)


def _verified(secret: str, ask: Ask) -> bool:
    """
    Whether a webhook is signed as Standard Webhooks say: HMAC-SHA256 over `id.timestamp.body`.
    """
    signed = (
        f"{ask.headers.get('webhook-id', '')}.{ask.headers.get('webhook-timestamp', '')}.".encode()
        + ask.body
    )
    right = base64.b64encode(
        hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, "sha256")
    ).decode()
    return any(
        hmac.compare_digest(f"v1,{right}", given)
        for given in ask.headers.get("webhook-signature", "").split()
    )


def _cursor(span: slice, page: Sequence[Any], mark: str) -> str | None:
    """
    A full page has a cursor even if nothing follows: without one nobody could tell it from a page
    that was cut.
    """
    if len(page) < span.stop - span.start:
        return None
    return base64.urlsafe_b64encode(f"{digest(mark)[:8]}:{span.stop}".encode()).decode()


def _span(query: Mapping[str, str], mark: str, *, cursors: bool = True) -> slice | None:
    """
    The rows of a page; None if the limit is out of bounds, or the cursor is not ours or belongs to
    another query.
    """
    limit, cursor = query.get("limit", str(PAGE)), query.get("cursor", "") if cursors else ""
    if not (limit.isdecimal() and 1 <= int(limit) <= PAGE):
        return None
    try:
        whose, start = (
            base64.urlsafe_b64decode(cursor).decode().split(":")[:2]
            if cursor
            else (digest(mark)[:8], "0")
        )
        return slice(int(start), int(start) + int(limit)) if whose == digest(mark)[:8] else None
    except ValueError:
        return None
