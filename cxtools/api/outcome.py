"""
What an answer means: the outcome of a submit, the error that a refusal becomes, the complaint in
its body.

Pure. The submit is the one request that must never be repeated by guess, so its outcomes stand in a
table (`OUTCOMES`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from pydantic_core import from_json

from cxtools.errors import ApiError, Denied, RateLimited, Refused, ServerFault, Unreachable
from cxtools.text import safe_line

PostKind = Literal["accepted", "not_sent", "refused", "limited", "exhausted", "unknown"]

#: What an id must look like, in answers and in URLs; "../../admin" survives quoting.
ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True)
class Answer:
    """
    What came back for one request.

    `fault` is "" for a whole answer; "not_sent" when not one byte of the request had left,
    "no_answer" when no whole head came back, "cut" when the body is incomplete, too long or can't
    be unpacked. Then `reason` says why in words. `headers` has lower-case names; `body` is
    unpacked.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    fault: Literal["", "not_sent", "no_answer", "cut"] = ""
    reason: str = ""

    @property
    def trace_id(self) -> str:
        return safe_line(self.headers.get("x-trace-id", ""), 100)

    @cached_property
    def document(self) -> dict[str, Any] | None:
        """The body as a JSON object; None when it is anything else, or not whole."""
        with suppress(ValueError):
            if not self.fault and isinstance(
                parsed := from_json(self.body, allow_inf_nan=False), dict
            ):
                return parsed
        return None


@dataclass(frozen=True)
class PostOutcome:
    """
    What became of one submit.

        accepted   the server has it and gave `job_id`
        not_sent   it never left, for certain: send it again later
        refused    the server did not take it, for certain; `denied` when the reason is who we are,
                   not what we sent
        limited    429: not taken; `retry_after_s` is the server's wish, None when it gave none
        exhausted  429, and what is used up is the day's quota: not taken, and nothing more will be
        today
        unknown    it may have been taken: never sent again by itself
    """

    kind: PostKind
    job_id: str | None = None
    status: int | None = None
    retry_after_s: float | None = None
    trace_id: str = ""
    detail: str = ""
    denied: bool = False


class Row(NamedTuple):
    """One row of `OUTCOMES`: what happened, what that means, how to tell."""

    happened: str
    kind: PostKind
    applies: Callable[[Answer], bool]


#: First match wins. A status counts even when the body behind it was cut; only an acceptance needs
#: the whole body.
OUTCOMES: tuple[Row, ...] = (
    Row(
        "no byte left: no address, connection refused or too slow, TLS failed, a local error",
        "not_sent",
        lambda a: a.fault == "not_sent",
    ),
    Row(
        "the request is at fault, or who sent it",
        "refused",
        lambda a: a.status in (400, 401, 403, 404, 405, 413, 415, 422),
    ),
    Row("throttled before it was looked at", "limited", lambda a: a.status == 429),
    Row(
        "2xx with a whole JSON body and a valid jobId",
        "accepted",
        lambda a: a.status in range(200, 300) and bool(job_id(a)),
    ),
    Row(
        "the answer is lost, cut, 3xx, 408, 409, 5xx or a 2xx without jobId",
        "unknown",
        lambda a: True,
    ),
)


def post_outcome(
    answer: Answer, *, retry_after_s: float | None = None, trust_429: bool = True
) -> PostOutcome:
    """
    What became of a submit; *trust_429* is False for servers known to send 429 after they took the
    request.

    >>> post_outcome(Answer(202, body=b'{"jobId": "j-1", "status": "queued"}')).kind
    'accepted'
    >>> post_outcome(Answer(200)).kind, post_outcome(Answer(fault="no_answer")).kind, post_outcome(Answer(429), trust_429=False).kind
    ('unknown', 'unknown', 'unknown')
    """
    row = next(row for row in OUTCOMES if row.applies(answer))
    limited: PostKind = (
        "unknown"
        if not trust_429
        else "exhausted"
        if day_is_over(answer, retry_after_s)
        else "limited"
    )
    kind = limited if row.kind == "limited" else row.kind
    accepted = kind == "accepted"
    return PostOutcome(
        kind,
        job_id(answer) if accepted else None,
        answer.status,
        retry_after_s,
        answer.trace_id,
        detail="" if accepted else _detail(answer),
        denied=kind == "refused" and answer.status in (401, 403),
    )


#: What a 429 may say, and from which wait on (in seconds) that means the day's quota and not the
#: rate of the moment: what is named
#: "daily" always; a quota (problem type quota-exceeded of the IETF's RateLimit draft) unless it is
#: one of a minute; all else by its wait.
DAY_OVER = (
    (
        re.compile(
            rb"(daily|per[\W_]day)([\W_]+\w+)?[\W_]*(quota|limit|cap|maximum)", re.IGNORECASE
        ),
        0.0,
    ),
    (
        re.compile(
            rb"quota[\W_]*(is[\W_]|was[\W_]|limit[\W_])?[\W_]*(exceeded|exhausted|reached|used)",
            re.IGNORECASE,
        ),
        60.0,
    ),
)
LONG_WAIT_S = 3600.0


def day_is_over(answer: Answer, retry_after_s: float | None) -> bool:
    """
    Does this 429 say that the day's quota is used up?

    >>> day_is_over(Answer(429, body=b'{"type": "https://iana.org/assignments/http-problem-types#quota-exceeded"}'), None)
    True
    >>> day_is_over(Answer(429, body=b'{"error": {"code": "rate_limited"}}'), 30.0), day_is_over(Answer(429), 8 * 3600.0)
    (False, True)
    """
    said = answer.body[:4000] + answer.headers.get("icstatusdescription", "").encode()
    waits = [least_s for words, least_s in DAY_OVER if words.search(said)]
    if retry_after_s is None:
        return bool(waits)
    return retry_after_s >= min([*waits, LONG_WAIT_S + 1])


def job_id(answer: Answer) -> str | None:
    """The jobId of an acceptance, if it is one by form."""
    given = (answer.document or {}).get("jobId")
    return given if isinstance(given, str) and ID.fullmatch(given) else None


def _detail(answer: Answer) -> str:
    without_job = answer.status in range(200, 300) and not answer.fault
    return (
        f"an acceptance without a valid jobId: {complaint(answer)}"
        if without_job
        else complaint(answer)
    )


def complaint(answer: Answer) -> str:
    """
    What the server, or the network, says went wrong: one line, without addresses; knows every error
    shape seen on CXone.

    >>> complaint(Answer(400, body=b'{"errors": [{"field": "subject", "message": "is required"}]}'))
    'subject: is required'
    >>> complaint(Answer(502, body=b"<html><title>Bad Gateway</title>...")), complaint(Answer(404))
    ('a web page: Bad Gateway', 'no reason given')
    """
    if answer.fault:
        return answer.reason or answer.fault
    said = (
        "; ".join(_said(answer.document))
        or answer.headers.get("icstatusdescription", "")
        or _page(answer)
    )
    return safe_line(said, 300) or "no reason given"


#: Where error documents say something, lower case and without "_", in the order of reading.
SAYING = ("code", "errorcode", "field", "message", "errordescription", "title", "detail")


def _said(part: Any) -> list[str]:
    """The sentences of an error document, outermost first."""
    if isinstance(part, str):
        return [part] if part.strip() else []
    if isinstance(part, list):
        return [sentence for item in part[:5] for sentence in _said(item)]
    if not isinstance(part, dict):
        return []
    keys = {str(key).lower().replace("_", ""): value for key, value in part.items()}
    words = [keys[key].strip() for key in SAYING if isinstance(keys.get(key), str)]
    head = [": ".join(filter(None, words))] if any(words) else []
    return head + [
        sentence for key in ("error", "errors", "details") for sentence in _said(keys.get(key))
    ]


def _page(answer: Answer) -> str:
    text = answer.body[:4000].decode("utf-8", "replace")
    if "<" not in text:
        return ""
    title = re.search(r"<title[^>]*>([^<]*)", text, re.IGNORECASE)
    return "a web page" + (f": {title[1].strip()}" if title and title[1].strip() else "")


def own_error(answer: Answer) -> bool:
    """
    Is this body the API's own error document, and not a proxy's or a web framework's?

    >>> own_error(Answer(404, body=b'{"error": {"code": "not_found", "message": "not on the list"}}'))
    True
    >>> own_error(Answer(404, body=b'{"detail": "Not Found"}'))
    False
    """
    document = answer.document or {}
    error = document.get("error")
    if isinstance(error, dict):
        return isinstance(error.get("code"), str)
    return isinstance(error, str) and any(
        str(key).lower().replace("_", "") == "errordescription" for key in document
    )


class Meaning(NamedTuple):
    """
    One row of `ERRORS`: the error for the statuses from `low` to `high`, what happened, what to do.
    """

    low: int
    high: int
    error: type[ApiError]
    what: str
    do: str


#: First match wins.
ERRORS: tuple[Meaning, ...] = (
    Meaning(
        401,
        401,
        Denied,
        "the API doesn't accept the sign-in",
        "check the credentials and the environment they belong to",
    ),
    Meaning(
        403,
        403,
        Denied,
        "the API denies access",
        "ask for {scope} or for the role and permission of the user behind the credentials",
    ),
    Meaning(
        404,
        404,
        Refused,
        "the API knows no such thing",
        "check CXONE_ENV_URL, the profile's paths and the id",
    ),
    Meaning(
        429,
        429,
        RateLimited,
        "the API still limits the rate",
        "run it again later, or set a lower requests_per_s",
    ),
    Meaning(
        300,
        399,
        Refused,
        "the API answered with a redirect, which is not followed",
        "check CXONE_ENV_URL and the profile's paths",
    ),
    Meaning(
        400,
        499,
        Refused,
        "the API refused the request",
        "correct what it names; repeating it as it is won't help",
    ),
    Meaning(
        0,
        999,
        ServerFault,
        "the API failed",
        "run it again later; if it lasts, give the trace id to NICE's support",
    ),
)


def error_of(
    answer: Answer,
    *,
    method: str,
    path: str,
    scope: str = "the scope",
    given_up: str = "",
    retry_after_s: float | None = None,
) -> ApiError:
    """
    The error that an answer becomes; *scope* names the right that the call needs, *given_up* says
    why it wasn't repeated.

    >>> print(error_of(Answer(403), method="GET", path="/jobs", scope="the scope communications:email:read"))
    the API denies access: no reason given  [GET /jobs, status 403]
      -> ask for the scope communications:email:read or for the role and permission of the user
      behind the credentials
    """
    tail = f" (given up after {given_up})" if given_up else ""
    if answer.status is None or answer.fault:
        return Unreachable(
            f"no usable answer from the API: {complaint(answer)}{tail}",
            method=method,
            path=path,
            status=answer.status,
            trace_id=answer.trace_id,
            do="check the network and CXONE_ENV_URL, then run it again",
        )
    meaning = next(row for row in ERRORS if row.low <= answer.status <= row.high)
    facts: dict[str, Any] = {
        "method": method,
        "path": path,
        "status": answer.status,
        "trace_id": answer.trace_id,
    }
    facts |= {"do": meaning.do.format(scope=scope)} | (
        {"retry_after_s": retry_after_s} if meaning.error is RateLimited else {}
    )
    return meaning.error(f"{meaning.what}: {complaint(answer)}{tail}", **facts)
