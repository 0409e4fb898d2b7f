"""
What can go wrong, as a table: each fault has a name, an endpoint and what it does to the request or
its answer.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from cxtools.simulator.people import dice


class Answer(NamedTuple):
    """
    An answer, and what to do to the transport: "" nothing, "reset", "hang", "drip", "slice" or
    "slow".
    """

    status: int
    body: bytes
    headers: Mapping[str, str]
    how: str = ""


def answer(
    status: int, body: Any = b"", headers: Mapping[str, str] | None = None, how: str = ""
) -> Answer:
    """An answer with a JSON body, or with the bytes given."""
    if not isinstance(body, bytes):
        body = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    kind = {"Content-Type": "application/json"} if body else {}
    return Answer(status, body, {**kind, **(headers or {})}, how)


class Fault(NamedTuple):
    """
    One fault. `instead` is answered and nothing is done; `after` is answered when the request was
    done; `twist` changes the answer; `ending` is how the job of this POST ends; `revokes` empties
    the token store first.
    """

    # token, suppressions, messages, job, events, crm, or any of the API's ("api": all but token)
    endpoint: str
    instead: Answer | None = None
    after: Answer | None = None
    twist: Callable[[Answer, Mapping[str, str]], Answer] | None = None
    ending: str = ""
    revokes: bool = False


@dataclass
class Armed:
    """
    A fault that lies in wait: lets `after` requests pass, then strikes `count` times (None:
    always), each with chance `share`.
    """

    name: str
    count: int | None = 1
    after: int = 0
    share: float = 1.0
    endpoint: str = ""
    seen: int = 0
    struck: int = 0

    def trips(self, endpoint: str, seed: int) -> bool:
        """Whether this request is struck; counts it either way."""
        where = self.endpoint or FAULTS[self.name].endpoint
        if endpoint not in COVERS.get(where, (where,)):
            return False
        self.seen += 1
        due = self.seen > self.after and (self.count is None or self.struck < self.count)
        strikes = due and dice(seed, self.name, self.seen).random() < self.share
        self.struck += strikes
        return strikes


COVERS = {
    "api": ("suppressions", "messages", "job", "events"),
    "any": ("token", "suppressions", "messages", "job", "events"),
}


def _changed(reply: Answer, **fields: Any) -> Answer:
    """The same answer with other fields in its JSON (a field of ... is taken out)."""
    body = json.loads(reply.body or b"{}") | fields
    return answer(
        reply.status,
        {name: value for name, value in body.items() if value is not ...},
        reply.headers,
    )


def _same_cursor(reply: Answer, query: Mapping[str, str]) -> Answer:
    return _changed(reply, nextCursor=query["cursor"]) if query.get("cursor") else reply


def _page_twice(reply: Answer, query: Mapping[str, str]) -> Answer:
    """The next cursor, new in its letters, leads to this page once more."""
    following = json.loads(reply.body or b"{}").get("nextCursor")
    if not following:
        return reply
    whose, position = base64.urlsafe_b64decode(following).decode().split(":")[:2]
    again = f"{whose}:{int(position) - int(query.get('limit', '1000'))}:again"
    return _changed(reply, nextCursor=base64.urlsafe_b64encode(again.encode()).decode())


PROXY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1>upstream said nothing</body></html>"
HTML = {"Content-Type": "text/html"}
UNAVAILABLE = {"errors": [{"field": "", "message": "service unavailable"}]}
OTHER = {
    "results": [
        {
            "emailAddress": "someone.else@other.example",
            "reason": "complaint",
            "addedDate": "2026-01-05T00:00:00Z",
        }
    ]
}
NO_JOB = {
    "error": {"code": "job_not_found", "message": "there is no job with this id", "details": []}
}
QUOTA = {
    "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
    "title": "the daily quota of recipients is used up",
}
SERVER_ERROR = {"error": {"code": "internal_error", "message": "something broke", "details": []}}

FAULTS = {
    "refuse_token_503": Fault("token", answer(503, UNAVAILABLE, {"Retry-After": "1"})),
    "token_wrong_secret": Fault(
        "token",
        answer(
            401, {"error": "invalid_client", "error_description": "unknown client or wrong secret"}
        ),
    ),
    "token_expiry_text": Fault("token", twist=lambda reply, _: _changed(reply, expires_in="3600")),
    "token_expiry_missing": Fault("token", twist=lambda reply, _: _changed(reply, expires_in=...)),
    "expire_tokens": Fault("api", revokes=True),
    "missing_scope": Fault(
        "api", answer(403, {"Message": "the token lacks the scope for this resource"})
    ),
    "rate_limited": Fault(
        "api", answer(429, b"", {"Retry-After": "1", "icStatusDescription": "rate limit exceeded"})
    ),
    "rate_limited_date": Fault("api", answer(429, b"", {"Retry-After": "date+2"})),
    "server_error_503": Fault("api", answer(503, UNAVAILABLE)),
    "server_error_500_html": Fault("api", answer(500, PROXY_PAGE, HTML)),
    "redirect": Fault("api", answer(307, b"", {"Location": "/elsewhere"})),
    "not_json": Fault("api", answer(200, b"<html>please sign in</html>", HTML)),
    "reset": Fault("any", answer(0, how="reset")),
    "hang": Fault("any", answer(0, how="hang")),
    "drip": Fault("any", twist=lambda reply, _: reply._replace(how="drip")),
    "slicer": Fault("any", twist=lambda reply, _: reply._replace(how="slice")),
    "suppression_500": Fault("suppressions", answer(500, SERVER_ERROR)),
    "suppression_404_html": Fault(
        "suppressions", answer(404, b"<html><body>404 page not found</body></html>", HTML)
    ),
    "suppression_other_address": Fault("suppressions", answer(200, OTHER)),
    "quota_exceeded": Fault("messages", answer(429, QUOTA, {"Retry-After": "28800"})),
    "post_reset_before_accept": Fault("messages", answer(0, how="reset")),
    "post_reset_after_accept": Fault("messages", after=answer(0, how="reset")),
    "post_hang": Fault("messages", answer(0, how="hang")),
    "post_hang_after_accept": Fault("messages", after=answer(0, how="hang")),
    "post_500_before_accept": Fault("messages", answer(500, SERVER_ERROR)),
    "post_502_after_accept": Fault("messages", after=answer(502, PROXY_PAGE, HTML)),
    "post_504_after_accept": Fault("messages", after=answer(504, PROXY_PAGE, HTML)),
    "post_2xx_without_job_id": Fault("messages", after=answer(202, {"status": "queued"})),
    "job_fails": Fault("messages", ending="failed"),
    "job_cancelled": Fault("messages", ending="cancelled"),
    "job_never_ends": Fault("messages", ending="never"),
    "job_unknown_status": Fault("messages", ending="odd"),
    "job_404_lag": Fault("job", answer(404, NO_JOB)),
    "events_no_cursor": Fault("events", twist=lambda reply, _: _changed(reply, nextCursor=...)),
    "events_repeat_cursor": Fault("events", twist=_same_cursor),
    "events_duplicate_page": Fault("events", twist=_page_twice),
    "crm_503": Fault("crm", answer(503, UNAVAILABLE)),
    "crm_410": Fault("crm", answer(410, {"Message": "this webhook was taken down"})),
    "crm_hang": Fault("crm", answer(0, how="hang")),
    "crm_slow": Fault("crm", twist=lambda reply, _: reply._replace(how="slow")),
}
