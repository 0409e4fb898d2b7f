"""
The API as a state machine: a request and a moment in, an answer out. No socket, no clock, no
threads.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

from cxtools.simulator.clock import Clock
from cxtools.simulator.faults import FAULTS, Armed, Fault
from cxtools.simulator.jobs import Job
from cxtools.simulator.mail import Mail
from cxtools.simulator.setup import SCOPE, Setup
from cxtools.simulator.signing import Tokens, is_signed
from cxtools.simulator.suppressions import Suppressions
from cxtools.simulator.wire import Answer, Ask, answer

MAIL = "/v1/communications/email"
#: Statuses below this one say that it was done.
FIRST_REDIRECT = 300


class Endpoint(NamedTuple):
    """A method and the pattern of a path, and the scope that they need ("": none)."""

    method: str
    path: str
    scope: str = ""


ENDPOINTS = {
    "token": Endpoint("POST", "/v1/oauth2/token"),
    "suppressions": Endpoint("GET", f"{MAIL}/suppressions", f"{SCOPE}:read"),
    "messages": Endpoint("POST", f"{MAIL}/messages", f"{SCOPE}:send"),
    "job": Endpoint("GET", f"{MAIL}/jobs/.*", f"{SCOPE}:read"),
    "events": Endpoint("GET", f"{MAIL}/events", f"{SCOPE}:analytics"),
    "crm": Endpoint("POST", "/_sim/crm"),
}


class Request(NamedTuple):
    """One line of the log: when (real seconds), which endpoint, and the status of the answer."""

    at: float
    endpoint: str
    status: int


class World:
    """
    Everything the simulated tenant knows. `answer` is the only way in; the rest is for whoever runs
    the simulation.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.clock = Clock(setup)
        self.tokens = Tokens(setup)
        self.suppressions = Suppressions(setup, self.clock)
        self.mail = Mail(setup, self.clock)
        self.faults: list[Armed] = []
        self.struck: Counter[str] = Counter()
        self.log: list[Request] = []
        self.unhandled: list[str] = []
        self.received: list[dict[str, Any]] = []
        self._bucket = Bucket(setup.rate_limit, setup.rate_burst)
        self._answers: dict[str, Callable[[Ask], Answer]] = {
            "token": self.tokens.sign_in,
            "suppressions": self.suppressions.answer,
            "messages": self.mail.submit,
            "job": self.mail.job,
            "events": self.mail.events,
            "crm": self._receive,
        }

    def answer(self, ask: Ask) -> Answer:
        """
        The answer to a request, faults and limits included; `how` tells the server what to do to
        the transport.
        """
        endpoint = _endpoint(ask)
        if endpoint == "unhandled":
            self.unhandled.append(f"{ask.method} {ask.path}")
        reply = self._limit(endpoint, ask.now)
        if reply is None:
            reply = self._answer(endpoint, ask, self._trip(endpoint))
        self.log.append(Request(ask.now, endpoint, reply.status))
        trace_id = f"sim-{self.setup.seed}-{len(self.log):07}"
        return reply._replace(headers={**reply.headers, "x-trace-id": trace_id})

    def advance(self, seconds: float) -> float:
        """Let virtual time pass; everything older than it becomes visible."""
        return self.clock.advance(seconds)

    def truth(self) -> dict[str, Any]:
        """What was really asked, accepted and done, for tests to compare with."""
        requests: dict[str, Counter[str]] = defaultdict(Counter)
        for request in self.log:
            requests[request.endpoint][str(request.status)] += 1
        sends = self.mail.sends
        mailed = {address for address, _, _ in sends}
        twice = {address for (address, _, _), count in sends.items() if count > 1}
        suppressed = self.suppressions.reasons.keys()
        jobs = self.mail.jobs.values()
        return {
            "jobs": {job.job_id: self._job_truth(job) for job in jobs},
            "sends": [
                {
                    "address": address,
                    "templateId": template,
                    "subject": subject,
                    "count": count,
                }
                for (address, template, subject), count in sends.items()
            ],
            "mailed_twice": sorted(twice),
            "suppressed_mailed": sorted(mailed & suppressed),
            "requests": requests,
            "requests_total": len(self.log),
            "unhandled": self.unhandled,
            "tokens": self.tokens.signed_in,
            "faults": self.struck,
        }

    def _answer(self, endpoint: str, ask: Ask, fault: Fault | None) -> Answer:
        if fault is None:
            return self._do(endpoint, ask)
        if fault.revokes:
            self.tokens.revoke()
        if fault.instead:
            return fault.instead
        if fault.ending:
            ask = ask._replace(ending=fault.ending)
        reply = self._do(endpoint, ask)
        if fault.after and reply.status < FIRST_REDIRECT:
            return fault.after
        if fault.twist:
            return fault.twist(reply, ask.query)
        return reply

    def _do(self, endpoint: str, ask: Ask) -> Answer:
        """What the endpoint answers when nothing is wrong with the server."""
        if endpoint not in ENDPOINTS:
            return answer(404, {"errors": [{"field": "path", "message": "no such resource"}]})
        scope = ENDPOINTS[endpoint].scope
        refusal = self.tokens.refusal(ask, scope) if scope else None
        return refusal or self._answers[endpoint](ask)

    def _trip(self, endpoint: str) -> Fault | None:
        """The first armed fault that strikes this request."""
        for armed in self.faults:
            if armed.trips(endpoint, self.setup.seed):
                self.struck[armed.name] += 1
                return FAULTS[armed.name]
        return None

    def _limit(self, endpoint: str, now: float) -> Answer | None:
        wait_s = 0 if endpoint == "crm" else self._bucket.wait_s(now)
        if not wait_s:
            return None
        headers = {
            "Retry-After": str(wait_s),
            "icStatusDescription": "rate limit exceeded",
        }
        return answer(429, headers=headers)

    def _receive(self, ask: Ask) -> Answer:
        """The answer of the CRM that gets the webhooks."""
        secret = self.setup.crm_secret
        verified = is_signed(ask, secret) if secret else None
        hook = {
            "headers": dict(ask.headers),
            "body": ask.body.decode("utf-8", "replace"),
            "verified": verified,
            "at": ask.now,
        }
        self.received.append(hook)
        if verified is False:
            return answer(401, {"error": "bad signature"})
        return answer(200, {"received": len(self.received)})

    def _job_truth(self, job: Job) -> dict[str, Any]:
        story = self.mail.story(job)
        return {
            "recipients": [row["toAddress"] for row in job.order["recipients"]],
            "subject": job.order["subject"],
            "templateId": job.order["templateId"],
            "body_sha256": job.body_sha256,
            "idempotency_key": job.idempotency_key,
            "ending": job.ending,
            "delivered": story.delivered,
            "events": dict(story.counts),
        }


class Bucket:
    """
    A token bucket for requests, full at the start; a rate of 0 lets everything pass, a burst of 0
    means the requests of a second.
    """

    def __init__(self, rate: float, burst: float = 0.0) -> None:
        self.rate = rate
        self.size = max(1.0, burst or rate)
        self._level = self.size
        self._at: float | None = None

    def wait_s(self, now: float) -> int:
        """Take one request out; 0, or whole seconds to wait when there is none."""
        if not self.rate:
            return 0
        if self._at is not None:
            refilled = (now - self._at) * self.rate
            self._level = min(self.size, self._level + refilled)
        self._at = now
        if self._level < 1:
            return math.ceil((1 - self._level) / self.rate)
        self._level -= 1
        return 0


def _endpoint(ask: Ask) -> str:
    for name, endpoint in ENDPOINTS.items():
        if ask.method == endpoint.method and re.fullmatch(endpoint.path, ask.path):
            return name
    return "unhandled"
