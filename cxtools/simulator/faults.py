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

from cxtools.simulator.dice import dice
from cxtools.simulator.wire import Answer, answer, problem

#: Changes an answer, by the query of its request.
Twist = Callable[[Answer, Mapping[str, str]], Answer]


class Fault(NamedTuple):
    """
    One fault.

        endpoint   token, suppressions, messages, job, events, crm, or a group of COVERS
        instead    is answered, and nothing is done
        after      is answered when the request was done
        twist      changes the answer
        ending     how the job of this POST ends
        revokes    whether the token store is emptied first
    """

    endpoint: str
    instead: Answer | None = None
    after: Answer | None = None
    twist: Twist | None = None
    ending: str = ""
    revokes: bool = False


#: Groups of endpoints: all that need a token, and those with the token's own.
COVERS = {
    "api": ("suppressions", "messages", "job", "events"),
    "any": ("token", "suppressions", "messages", "job", "events"),
}


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
        is_used_up = self.count is not None and self.struck >= self.count
        if self.seen <= self.after or is_used_up:
            return False
        luck = dice(seed, self.name, self.seen).random()
        if luck >= self.share:
            return False
        self.struck += 1
        return True


def _change(reply: Answer, **fields: Any) -> Answer:
    """The same answer with other fields in its JSON (a field of ... is taken out)."""
    body = {**json.loads(reply.body or b"{}"), **fields}
    kept = {name: value for name, value in body.items() if value is not ...}
    return answer(reply.status, kept, reply.headers)


def _expiry_as_text(reply: Answer, _: Mapping[str, str]) -> Answer:
    return _change(reply, expires_in="3600")


def _no_expiry(reply: Answer, _: Mapping[str, str]) -> Answer:
    return _change(reply, expires_in=...)


def _no_cursor(reply: Answer, _: Mapping[str, str]) -> Answer:
    return _change(reply, nextCursor=...)


def _same_cursor(reply: Answer, query: Mapping[str, str]) -> Answer:
    if not query.get("cursor"):
        return reply
    return _change(reply, nextCursor=query["cursor"])


def _page_twice(reply: Answer, query: Mapping[str, str]) -> Answer:
    """The next cursor, new in its letters, leads to this page once more."""
    following = json.loads(reply.body or b"{}").get("nextCursor")
    if not following:
        return reply
    cursor = base64.urlsafe_b64decode(following).decode()
    owner, position, *_ = cursor.split(":")
    limit = int(query.get("limit", "1000"))
    again = f"{owner}:{int(position) - limit}:again"
    return _change(reply, nextCursor=base64.urlsafe_b64encode(again.encode()).decode())


def _drip(reply: Answer, _: Mapping[str, str]) -> Answer:
    return reply._replace(how="drip")


def _slice(reply: Answer, _: Mapping[str, str]) -> Answer:
    return reply._replace(how="slice")


def _slow(reply: Answer, _: Mapping[str, str]) -> Answer:
    return reply._replace(how="slow")


# ---- what is answered when something is wrong

HTML = {"Content-Type": "text/html"}
PROXY_PAGE = (
    b"<html><head><title>502 Bad Gateway</title></head>"
    b"<body><h1>Bad Gateway</h1>upstream said nothing</body></html>"
)
RESET = answer(0, how="reset")
HANG = answer(0, how="hang")
UNAVAILABLE = {"errors": [{"field": "", "message": "service unavailable"}]}
IS_DOWN = answer(503, UNAVAILABLE)
IS_DOWN_FOR_A_SECOND = answer(503, UNAVAILABLE, {"Retry-After": "1"})
BROKEN = problem(500, "internal_error", "something broke")
WRONG_SECRET = answer(
    401,
    {"error": "invalid_client", "error_description": "unknown client or wrong secret"},
)
LACKS_SCOPE = answer(403, {"Message": "the token lacks the scope for this resource"})
LIMITED = answer(
    429,
    headers={"Retry-After": "1", "icStatusDescription": "rate limit exceeded"},
)
LIMITED_UNTIL = answer(429, headers={"Retry-After": "date+2"})
USED_UP = answer(
    429,
    {
        "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
        "title": "the daily quota of recipients is used up",
    },
    {"Retry-After": "28800"},
)
ELSEWHERE = answer(307, headers={"Location": "/elsewhere"})
SIGN_IN_PAGE = answer(200, b"<html>please sign in</html>", HTML)
NOT_FOUND_PAGE = answer(404, b"<html><body>404 page not found</body></html>", HTML)
SOMEONE_ELSE = answer(
    200,
    {
        "results": [
            {
                "emailAddress": "someone.else@other.example",
                "reason": "complaint",
                "addedDate": "2026-01-05T00:00:00Z",
            }
        ]
    },
)
NO_JOB = problem(404, "job_not_found", "there is no job with this id")
NO_JOB_ID = answer(202, {"status": "queued"})
GONE = answer(410, {"Message": "this webhook was taken down"})


def _proxy_page(status: int) -> Answer:
    return answer(status, PROXY_PAGE, HTML)


FAULTS = {
    "refuse_token_503": Fault("token", instead=IS_DOWN_FOR_A_SECOND),
    "token_wrong_secret": Fault("token", instead=WRONG_SECRET),
    "token_expiry_text": Fault("token", twist=_expiry_as_text),
    "token_expiry_missing": Fault("token", twist=_no_expiry),
    "expire_tokens": Fault("api", revokes=True),
    "missing_scope": Fault("api", instead=LACKS_SCOPE),
    "rate_limited": Fault("api", instead=LIMITED),
    "rate_limited_date": Fault("api", instead=LIMITED_UNTIL),
    "server_error_503": Fault("api", instead=IS_DOWN),
    "server_error_500_html": Fault("api", instead=_proxy_page(500)),
    "redirect": Fault("api", instead=ELSEWHERE),
    "not_json": Fault("api", instead=SIGN_IN_PAGE),
    "reset": Fault("any", instead=RESET),
    "hang": Fault("any", instead=HANG),
    "drip": Fault("any", twist=_drip),
    "slicer": Fault("any", twist=_slice),
    "suppression_500": Fault("suppressions", instead=BROKEN),
    "suppression_404_html": Fault("suppressions", instead=NOT_FOUND_PAGE),
    "suppression_other_address": Fault("suppressions", instead=SOMEONE_ELSE),
    "quota_exceeded": Fault("messages", instead=USED_UP),
    "post_reset_before_accept": Fault("messages", instead=RESET),
    "post_reset_after_accept": Fault("messages", after=RESET),
    "post_hang": Fault("messages", instead=HANG),
    "post_hang_after_accept": Fault("messages", after=HANG),
    "post_500_before_accept": Fault("messages", instead=BROKEN),
    "post_502_after_accept": Fault("messages", after=_proxy_page(502)),
    "post_504_after_accept": Fault("messages", after=_proxy_page(504)),
    "post_2xx_without_job_id": Fault("messages", after=NO_JOB_ID),
    "job_fails": Fault("messages", ending="failed"),
    "job_cancelled": Fault("messages", ending="cancelled"),
    "job_never_ends": Fault("messages", ending="never"),
    "job_unknown_status": Fault("messages", ending="odd"),
    "job_404_lag": Fault("job", instead=NO_JOB),
    "events_no_cursor": Fault("events", twist=_no_cursor),
    "events_repeat_cursor": Fault("events", twist=_same_cursor),
    "events_duplicate_page": Fault("events", twist=_page_twice),
    "crm_503": Fault("crm", instead=IS_DOWN),
    "crm_410": Fault("crm", instead=GONE),
    "crm_hang": Fault("crm", instead=HANG),
    "crm_slow": Fault("crm", twist=_slow),
}
