"""
The API as a state machine: a request and a moment in, an answer out. No socket, no clock, no threads.

Two times run side by side. *Virtual* time is what answers say: the epoch, plus what `advance` added; it never looks at a
clock, so two runs tell the same story. *Real* time (`now`, seconds, monotonic) only decides how much of the story can be
seen yet: age = seconds since the POST x speed, plus what was advanced since.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import math
import uuid
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote_plus

from cxtools.simulator.faults import FAULTS, Answer, Armed, Fault, answer
from cxtools.simulator.people import HORIZON_S, Drift, Letter, dice, drawn, life, suppressed

SCOPES = "communications:email:send communications:email:read communications:email:analytics"
LATENCY = ((0.0, 130.0), (0.6, 300.0), (1.0, 580.0))       # virtual seconds that a job takes
LAG = ((0.0, 0.2), (0.8, 6.0), (0.97, 120.0), (1.0, 1500.0))  # from a happening to its event being there: makes the disorder
JOB_SPEED = 400.0                                         # jobs end in 0.3 to 1.5 real seconds, also when days pass in seconds
PAGE = 1000
KINDS = ("delivery", "bounce", "open", "click")


def option(default: Any, about: str) -> Any:
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True)
class Setup:
    """How this world is; each field is also a flag of the command line and a key of POST /_sim/reset."""

    seed: int = option(7, "which world: people, fates, identifiers")
    epoch: str = option("2026-09-14T08:00:00Z", "virtual time at the start")
    speed: float = option(60480.0, "virtual seconds per real second; 60480: seven days in ten seconds; inf: all at once; 0: only by advance")
    latency_ms: float = option(0.0, "real milliseconds before each answer")
    rate_limit: float = option(0.0, "requests per second before 429; 0: no limit")
    expires_in_s: float = option(3600.0, "life of a token in real seconds")
    client_id: str = option("simulator", "the client id that may sign in")
    client_secret: str = option("simulator", "its secret")
    scopes: str = option(SCOPES, "scopes the client may have, with spaces between")
    population: int = option(20000, "how many rows of the seeded recipient list the suppression list was made for")
    suppression_404: bool = option(False, "say 404 with a JSON error for an address that is not listed, not empty results")
    suppression_listing: bool = option(False, "list all suppressions in pages when no address is asked for")
    idempotency_window_s: float = option(0.0, "honour Idempotency-Key for so many real seconds; 0: not known")
    no_event_ids: bool = option(False, "events without eventId")
    no_cursors: bool = option(False, "events without paging: the first page only, no nextCursor")
    empty_204: bool = option(False, "204 for no events")
    crm_secret: str = option("", "whsec_...: the webhook receiver checks Standard Webhooks signatures")


class Ask(NamedTuple):
    """A request; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    now: float


@dataclass
class Job:
    """One accepted POST, and when it was accepted in both times."""

    job_id: str
    order: dict[str, Any]
    body_sha256: str
    key: str
    repetition: int
    nths: list[int]
    accepted_at: float = 0.0           # real
    offset_s: float = 0.0              # virtual, since the epoch
    ending: str = "completed"
    events: list[tuple[float, str, bytes]] | None = field(default=None, repr=False)
    delivered: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def latency_s(self) -> float:
        return round(drawn(LATENCY, dice("latency", self.job_id)), 1)

    @property
    def reached(self) -> int:
        """How many recipients were sent to: a job that fails or is cancelled got half way."""
        count = len(self.order["recipients"])
        return count if self.ending in ("completed", "odd") else count // 2


class World:
    """Everything the simulated tenant knows. `answer` is the only way in; the rest is for whoever runs the simulation."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.epoch = datetime.fromisoformat(setup.epoch).astimezone(UTC)
        self.offset_s = 0.0
        self.jobs: dict[str, Job] = {}
        self.suppressed = {address: "hard_bounce" for address in suppressed(setup.seed, setup.population)}
        self.tokens: dict[str, tuple[float, frozenset[str]]] = {}
        self.faults: list[Armed] = []
        self.log: list[tuple[float, str, int]] = []
        self.tally: Counter[str] = Counter()
        self.sends: Counter[tuple[str, str, str]] = Counter()
        self.bodies: Counter[str] = Counter()
        self.keys: dict[str, tuple[float, str, Answer]] = {}
        self.unhandled: list[str] = []
        self.received: list[dict[str, Any]] = []
        self._bucket: tuple[float, float] | None = None

    # -- one request ---------------------------------------------------------------------------------------------

    def answer(self, ask: Ask) -> Answer:
        """The answer to a request, faults and limits included; `how` tells the server what to do to the transport."""
        endpoint = _endpoint(ask)
        if endpoint == "unhandled":
            self.unhandled.append(f"{ask.method} {ask.path}")
        fault = self._tripped(endpoint)
        reply = self._limited(endpoint, ask.now) or self._under(fault, endpoint, ask)
        self.log.append((ask.now, endpoint, reply.status))
        return reply._replace(headers={**reply.headers, "x-trace-id": f"sim-{self.setup.seed}-{len(self.log):07}"})

    def _under(self, fault: Fault | None, endpoint: str, ask: Ask) -> Answer:
        if fault is None:
            return self._plain(endpoint, ask)
        if fault.revokes:
            self.tokens.clear()
        if fault.instead:
            return fault.instead
        reply = self._plain(endpoint, ask, fault.ending)
        if fault.after and reply.status < 300:
            return fault.after
        return fault.twist(reply, ask.query) if fault.twist else reply

    def _plain(self, endpoint: str, ask: Ask, ending: str = "") -> Answer:
        scope = NEEDS.get(endpoint)
        if scope and (denied := self._denied(ask, scope)):
            return denied
        return self._messages(ask, ending) if endpoint == "messages" else HANDLERS[endpoint](self, ask)

    def _tripped(self, endpoint: str) -> Fault | None:
        for armed in self.faults:
            if armed.trips(endpoint, self.setup.seed):
                self.tally[f"fault {armed.name}"] += 1
                return FAULTS[armed.name]
        return None

    def _limited(self, endpoint: str, now: float) -> Answer | None:
        rate = self.setup.rate_limit
        if not rate or endpoint == "crm":
            return None
        level, then = self._bucket or (max(1.0, rate), now)
        level = min(max(1.0, rate), level + (now - then) * rate)
        self._bucket = (level - 1 if level >= 1 else level, now)
        if level >= 1:
            return None
        self.tally["limited"] += 1
        return answer(429, b"", {"Retry-After": str(math.ceil((1 - level) / rate)), "icStatusDescription": "rate limit exceeded"})

    def _denied(self, ask: Ask, scope: str) -> Answer | None:
        kind, _, token = ask.headers.get("authorization", "").partition(" ")
        expires_at, scopes = self.tokens.get(token, (0.0, frozenset()))
        if kind.lower() != "bearer" or token not in self.tokens or ask.now >= expires_at:
            return answer(401, {"error": "invalid_token", "errorDescription": "the access token is missing, expired or revoked"}, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        if scope not in scopes:
            return answer(403, {"Message": f"scope {scope} is required"})
        return None

    # -- the endpoints -------------------------------------------------------------------------------------------

    def _token(self, ask: Ask) -> Answer:
        if "client_secret" in ask.query:
            return answer(400, {"error": "invalid_request", "error_description": "credentials don't belong into the query string"})
        form = {name: values[0] for name, values in parse_qs(ask.body.decode("utf-8", "replace"), keep_blank_values=True).items()}
        if form.get("grant_type") != "client_credentials":
            return answer(400, {"error": "unsupported_grant_type", "error_description": "grant_type must be client_credentials"})
        given = _basic(ask.headers.get("authorization", "")) or (form.get("client_id", ""), form.get("client_secret", ""))
        if not hmac.compare_digest("\0".join(given).encode(), f"{self.setup.client_id}\0{self.setup.client_secret}".encode()):
            return answer(401, {"error": "invalid_client", "error_description": "unknown client or wrong secret"}, {"WWW-Authenticate": "Basic"})
        allowed = frozenset(self.setup.scopes.split())
        scopes = allowed & frozenset(form["scope"].split()) if form.get("scope") else allowed
        self.tally["tokens"] += 1
        token = f"sim.{digest(self.setup.seed, 'token', self.tally['tokens'])[:40]}"
        self.tokens[token] = (ask.now + self.setup.expires_in_s, scopes)
        return answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": self.setup.expires_in_s, "scope": " ".join(sorted(scopes))}, {"Cache-Control": "no-store"})

    def _suppressions(self, ask: Ask) -> Answer:
        email = ask.query.get("email", "").lower()
        if not email:
            return self._suppression_page(ask)
        reason = self.suppressed.get(email)
        if reason is None and self.setup.suppression_404:
            return _problem(404, "suppression_not_found", "the address is not on the suppression list")
        return answer(200, {"results": [self._listed(email, reason)] if reason else []})

    def _suppression_page(self, ask: Ask) -> Answer:
        limit, start = _limit(ask.query), _position(ask.query.get("cursor", ""), "list")
        if not self.setup.suppression_listing or limit is None or start is None:
            return answer(400, {"errors": [{"field": "email", "message": "email is required"}]})
        rows = list(self.suppressed.items())[start:start + limit]
        return answer(200, {"results": [self._listed(*row) for row in rows], "nextCursor": _cursor("list", start + limit) if len(rows) == limit else None})

    def _listed(self, address: str, reason: str) -> dict[str, str]:
        return {"emailAddress": address, "reason": reason, "addedDate": _iso(self.epoch - timedelta(days=30 + len(address)))}

    def _messages(self, ask: Ask, ending: str = "") -> Answer:
        if len(ask.body) > 16 << 20:
            return answer(413, {"Message": "the body is larger than 16 MB"})
        try:
            order = json.loads(ask.body)
        except (ValueError, RecursionError):
            return _problem(400, "malformed_json", "the body is no JSON")
        if faults := list(_faults_of(order)):
            return _problem(400, "validation_failed", "the message is not valid", [{"field": name, "message": why} for name, why in faults[:50]])
        sha, key = hashlib.sha256(ask.body).hexdigest(), ask.headers.get("idempotency-key", "")
        if key and (known := self._replayed(key, sha, ask.now)):
            return known
        job = self._accepted(order, sha, key, ask.now, ending or "completed")
        reply = answer(202, {"jobId": job.job_id, "status": "queued"})
        if key and self.setup.idempotency_window_s:
            self.keys[key] = (ask.now, sha, reply)
        return reply

    def _replayed(self, key: str, sha: str, now: float) -> Answer | None:
        then, known, reply = self.keys.get(key, (-math.inf, "", None))
        if reply is None or now - then > self.setup.idempotency_window_s:
            return None
        self.tally["replays"] += 1
        return reply if sha == known else _problem(422, "idempotency_key_reused", "the key was used for another body")

    def _accepted(self, order: dict[str, Any], sha: str, key: str, now: float, ending: str) -> Job:
        self.bodies[sha] += 1
        letters = [(row["toAddress"].lower(), order["templateId"], order["subject"]) for row in order["recipients"]]
        job = Job(uuid_of(self.setup.seed, sha, self.bodies[sha]), order, sha, key, self.bodies[sha], [self.sends[letter] for letter in letters], now, self.offset_s, ending)
        self.sends.update(letters)
        self.jobs[job.job_id] = job
        return job

    def _job(self, ask: Ask) -> Answer:
        job = self.jobs.get(ask.path.rsplit("/", 1)[1])
        if job is None:
            return _problem(404, "job_not_found", "there is no job with this id")
        self._told(job)
        share = min(1.0, self._age(job, ask.now, min(self.setup.speed, JOB_SPEED) if self.setup.speed < math.inf else math.inf) / job.latency_s)
        done = share >= 1 and job.ending != "never"
        created = self.epoch + timedelta(seconds=job.offset_s)
        bounced = job.reached - job.delivered
        return answer(200, {
            "jobId": job.job_id, "status": _status(job.ending, share), "createdAt": _iso(created),
            "completedAt": _iso(created + timedelta(seconds=job.latency_s)) if done else None,
            "totalRecipients": len(job.order["recipients"]), "delivered": int(job.delivered * share), "bounced": int(bounced * share),
            "spamScore": round(dice(job.order["subject"], job.order["templateId"]).random() * 3, 1) if done else None,
        })

    def _events(self, ask: Ask) -> Answer:
        job = self.jobs.get(ask.query.get("jobId", ""))
        if job is None:
            return _problem(404 if ask.query.get("jobId") else 400, "job_not_found", "jobId is missing or unknown")
        kinds = frozenset(filter(None, ask.query.get("eventType", "").lower().split(",")))
        mark = f"{job.job_id}{','.join(sorted(kinds))}"
        limit, start = _limit(ask.query), 0 if self.setup.no_cursors else _position(ask.query.get("cursor", ""), mark)
        if limit is None or start is None:
            return answer(400, {"errors": [{"field": "limit, cursor", "message": "limit must be 1 to 1000, cursor one of ours for the same query"}]})
        told = self._told(job)
        seen = told[:bisect_right(told, self._age(job, ask.now, self.setup.speed), key=lambda event: event[0])]
        page = [row for _, kind, row in seen if not kinds or kind in kinds][start:start + limit]
        if not page and self.setup.empty_204:
            return answer(204, b"")
        more = len(page) == limit and not self.setup.no_cursors
        return answer(200, b'{"results":[%b],"nextCursor":%b}' % (b",".join(page), json.dumps(_cursor(mark, start + limit) if more else None).encode()))

    def _crm(self, ask: Ask) -> Answer:
        verified = _verified(self.setup.crm_secret, ask) if self.setup.crm_secret else None
        self.received.append({"headers": dict(ask.headers), "body": ask.body.decode("utf-8", "replace"), "verified": verified, "at": ask.now})
        return answer(200, {"received": len(self.received)}) if verified is not False else answer(401, {"error": "bad signature"})

    def _unhandled(self, ask: Ask) -> Answer:
        return answer(404, {"errors": [{"field": "path", "message": "no such resource"}]})

    # -- time and events -----------------------------------------------------------------------------------------

    def _age(self, job: Job, now: float, speed: float) -> float:
        real = math.inf if speed == math.inf else (now - job.accepted_at) * speed
        return real + self.offset_s - job.offset_s

    def _told(self, job: Job) -> list[tuple[float, str, bytes]]:
        """All events the job will ever have, by the moment they can be seen: (age in seconds, kind, JSON)."""
        if job.events is None:
            job.events = sorted(story(self.setup.seed, job, self.epoch, event_ids=not self.setup.no_event_ids))
        return job.events

    # -- for whoever runs the simulation -------------------------------------------------------------------------

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
            "sends": [{"address": address, "templateId": template, "subject": subject, "count": count} for (address, template, subject), count in self.sends.items()],
            "mailed_twice": sorted({letter[0] for letter, count in self.sends.items() if count > 1}),
            "suppressed_mailed": sorted({letter[0] for letter in self.sends} & self.suppressed.keys()),
            "requests": requests, "requests_total": len(self.log), "tokens": self.tally["tokens"], "limited": self.tally["limited"], "replays": self.tally["replays"],
            "faults": {name.removeprefix("fault "): count for name, count in self.tally.items() if name.startswith("fault ")},
            "unhandled": self.unhandled, "crm_received": len(self.received), "offset_s": self.offset_s,
        }

    def _job_truth(self, job: Job) -> dict[str, Any]:
        self._told(job)
        return {
            "recipients": [row["toAddress"] for row in job.order["recipients"]], "subject": job.order["subject"], "templateId": job.order["templateId"],
            "body_sha256": job.body_sha256, "idempotency_key": job.key, "repetition": job.repetition, "ending": job.ending, "accepted_at": job.accepted_at,
            "created_at": _iso(self.epoch + timedelta(seconds=job.offset_s)), "delivered": job.delivered, "events": dict(job.counts),
        }


NEEDS = {"suppressions": "communications:email:read", "messages": "communications:email:send", "job": "communications:email:read", "events": "communications:email:analytics"}
HANDLERS: dict[str, Callable[[World, Ask], Answer]] = {
    "token": World._token, "suppressions": World._suppressions, "job": World._job, "events": World._events, "crm": World._crm, "unhandled": World._unhandled,
}
MAIL = "/v1/communications/email"
PATHS = {("POST", "/v1/oauth2/token"): "token", ("GET", f"{MAIL}/suppressions"): "suppressions", ("POST", f"{MAIL}/messages"): "messages",
         ("GET", f"{MAIL}/events"): "events", ("POST", "/_sim/crm"): "crm"}


def _endpoint(ask: Ask) -> str:
    if ask.method == "GET" and ask.path.startswith(f"{MAIL}/jobs/"):
        return "job"
    return PATHS.get((ask.method, ask.path), "unhandled")


def story(seed: int, job: Job, epoch: datetime, *, event_ids: bool = True, drift: Drift | None = None) -> Iterator[tuple[float, str, bytes]]:
    """The events of a job, some twice, some late, some odd; counts them in the job on the way."""
    created = epoch + timedelta(seconds=job.offset_s)
    of_day = (created - created.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    switched_off = {kind for kind, switch in (("open", "enableOpens"), ("click", "enableClicks")) if not job.order.get("tracking", {}).get(switch, True)}
    for row, nth in list(zip(job.order["recipients"], job.nths, strict=True))[:job.reached]:
        address = row["toAddress"]
        letter = Letter(job.order["subject"], job.order["templateId"], json.dumps(row.get("mergeFields", {}), sort_keys=True), nth)
        happenings = life(seed, address, letter, second_of_day=of_day, drift=drift)
        job.delivered += any(step.kind == "delivery" for step in happenings)
        who = {"jobId": job.job_id, "messageId": uuid_of(job.job_id, address.lower()), "recipientId": uuid_of(seed, "recipient", address.lower()), "emailAddress": address}
        rng = dice(seed, job.job_id, address, "wire")
        for number, step in enumerate(happenings):
            if step.kind in switched_off:
                continue
            seen = min(step.after_s + drawn(LAG, rng), HORIZON_S)
            kind = "forward" if step.kind == "open" and number > 2 and rng.random() < 0.02 else step.kind
            event = {"eventType": kind, **who, **_told_as(kind, step, created, rng)}
            wire = json.dumps({"eventId": uuid_of(who["messageId"], number)} | event if event_ids else event, ensure_ascii=False, separators=(",", ":")).encode()
            job.counts[kind] += 1
            yield seen, kind, wire
            if rng.random() < 0.008:
                job.counts["duplicates"] += 1
                yield min(seen + 1 + 600 * rng.random(), HORIZON_S), kind, wire


def _told_as(kind: str, step: Any, created: datetime, rng: Any) -> dict[str, Any]:
    at = created + timedelta(milliseconds=round(step.after_s * 1000))
    fields: dict[str, Any] = {"timestamp": at.astimezone(timezone(timedelta(hours=2))).isoformat(timespec="milliseconds") if rng.random() < 0.01 else _iso(at, "milliseconds")}
    if kind == "bounce":
        fields |= {"bounceCode": step.code, "bounceDescription": step.text}
    if step.link:
        fields["linkUrl"] = step.link
    if step.agent:
        fields |= {"userAgent": step.agent, "ipAddress": step.ip}
    if rng.random() < 0.004:
        fields["deliveryZone"] = {"name": "eu-2", "pool": None}  # a field nobody has heard of
    return fields


def _status(ending: str, share: float) -> str:
    if ending == "odd":
        return "COMPLETED" if share >= 1 else "AWAITING_REVIEW"
    if share < 1 or ending == "never":
        return "queued" if share < 0.15 else "processing"
    return ending


def _faults_of(order: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with a message, as (field, why)."""
    if not isinstance(order, dict):
        yield "$", "must be an object"
        return
    for name, (holds, why) in SHAPE.items():
        if not holds(order.get(name)):
            yield name, why
    rows = order.get("recipients")
    for number, row in enumerate(rows if isinstance(rows, list) else ()):
        for name, (holds, why) in RECIPIENT.items():
            if not isinstance(row, dict) or not holds(row.get(name)):
                yield f"recipients[{number}].{name}", why


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False


def _is_address(value: Any) -> bool:
    local, at, domain = value.rpartition("@") if isinstance(value, str) else ("", "", "")
    return bool(local and at and "." in domain) and not any(mark.isspace() for mark in value)


def _texts(value: Any) -> bool:
    return all(isinstance(text, str) for text in value)


Checks = dict[str, tuple[Callable[[Any], bool], str]]
SHAPE: Checks = {
    "subject": (lambda value: isinstance(value, str) and 1 <= len(value) <= 998, "must be text of 1 to 998 characters"),
    "templateId": (_is_uuid, "must be a UUID"),
    "senderAddress": (_is_address, "must be an e-mail address"),
    "recipients": (lambda value: isinstance(value, list) and 1 <= len(value) <= 1000, "must be a list of 1 to 1000"),
    "tracking": (lambda value: value is None or isinstance(value, dict) and all(isinstance(switch, bool) for switch in value.values()), "must hold true or false"),
}
RECIPIENT: Checks = {
    "toAddress": (_is_address, "must be an e-mail address"),
    "mergeFields": (lambda value: value is None or isinstance(value, dict) and _texts(value.values()), "must map text to text"),
    "tags": (lambda value: value is None or isinstance(value, list) and _texts(value), "must be a list of texts"),
}


def _problem(status: int, code: str, message: str, details: list[dict[str, str]] | None = None) -> Answer:
    return answer(status, {"error": {"code": code, "message": message, "details": details or []}})


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
    """Whether a webhook is signed as Standard Webhooks say: HMAC-SHA256 over `id.timestamp.body`."""
    signed = f"{ask.headers.get('webhook-id', '')}.{ask.headers.get('webhook-timestamp', '')}.".encode() + ask.body
    right = base64.b64encode(hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, "sha256")).decode()
    return any(hmac.compare_digest(f"v1,{right}", given) for given in ask.headers.get("webhook-signature", "").split())


def digest(*parts: object) -> str:
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def uuid_of(*parts: object) -> str:
    return str(uuid.UUID(hex=digest(*parts)[:32]))


def _cursor(mark: str, position: int) -> str:
    return base64.urlsafe_b64encode(f"{digest(mark)[:8]}:{position}".encode()).decode()


def _position(cursor: str, mark: str) -> int | None:
    """Where a cursor points, 0 without one, None if it is not ours or belongs to another query."""
    if not cursor:
        return 0
    try:
        whose, position = base64.urlsafe_b64decode(cursor).decode().split(":")[:2]
        return int(position) if whose == digest(mark)[:8] else None
    except ValueError:
        return None


def _limit(query: Mapping[str, str]) -> int | None:
    text = query.get("limit", str(PAGE))
    return int(text) if text.isdecimal() and 1 <= int(text) <= PAGE else None


def _iso(at: datetime, spec: str = "seconds") -> str:
    return at.isoformat(timespec=spec).replace("+00:00", "Z")
