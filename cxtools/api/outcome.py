"""
What became of a submit, from its answer.

Pure. The submit is the one request that must never be repeated by guess, so its outcomes stand in a
table (`OUTCOMES`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal, NamedTuple

from cxtools.api.answer import DESCRIPTION_HEADER, SEARCHED_BYTES, Answer, failure_text

PostKind = Literal["accepted", "not_sent", "refused", "limited", "exhausted", "unknown"]

#: Statuses that say that the request is at fault, or who sent it: the server did not take it.
REFUSALS = (400, 401, 403, 404, 405, 413, 415, 422)
#: Those of them that are about who we are, not about what we sent.
DENIALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


@dataclass(frozen=True)
class PostOutcome:
    """
    What became of one submit.

        accepted   the server has it and gave `job_id`
        not_sent   it never left, for certain: send it again later
        refused    the server did not take it, for certain; `denied` when the reason is who we are,
                   not what we sent
        limited    429: not taken; `retry_after_s` is what the server asks for, None when it doesn't
                   say
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


class OutcomeRow(NamedTuple):
    """One row of `OUTCOMES`: what happened, what that means, how to tell."""

    happened: str
    kind: PostKind
    applies: Callable[[Answer], bool]


#: First match wins. A status counts even when the body behind it was cut; only an acceptance needs
#: the whole body.
OUTCOMES: tuple[OutcomeRow, ...] = (
    OutcomeRow(
        "no byte left: no address, connection refused or too slow, TLS failed, a local error",
        "not_sent",
        lambda answer: answer.fault == "not_sent",
    ),
    OutcomeRow(
        "the request is at fault, or who sent it",
        "refused",
        lambda answer: answer.status in REFUSALS,
    ),
    OutcomeRow(
        "throttled before it was looked at",
        "limited",
        lambda answer: answer.status == HTTPStatus.TOO_MANY_REQUESTS,
    ),
    OutcomeRow(
        "2xx with a whole JSON body and a valid jobId",
        "accepted",
        lambda answer: answer.is_2xx and answer.job_id is not None,
    ),
    OutcomeRow(
        "the answer is lost, cut, 3xx, 408, 409, 5xx or a 2xx without jobId",
        "unknown",
        lambda answer: True,
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
    >>> lost, limited = Answer(fault="no_answer"), Answer(429)
    >>> [post_outcome(answer, trust_429=False).kind for answer in (Answer(200), lost, limited)]
    ['unknown', 'unknown', 'unknown']
    """
    kind = next(row.kind for row in OUTCOMES if row.applies(answer))
    if kind == "limited":
        kind = _kind_of_429(answer, retry_after_s, trust_429=trust_429)
    return PostOutcome(
        kind,
        job_id=answer.job_id if kind == "accepted" else None,
        status=answer.status,
        retry_after_s=retry_after_s,
        trace_id=answer.trace_id,
        detail="" if kind == "accepted" else _detail(answer),
        denied=kind == "refused" and answer.status in DENIALS,
    )


def _kind_of_429(answer: Answer, retry_after_s: float | None, *, trust_429: bool) -> PostKind:
    if not trust_429:
        return "unknown"
    return "exhausted" if day_is_over(answer, retry_after_s) else "limited"


class QuotaWords(NamedTuple):
    """Words of a 429 that mean the day's quota, where it asks for a wait of `least_s` or more."""

    pattern: re.Pattern[bytes]
    least_s: float


#: What is named "daily" always means the day; a quota (problem type quota-exceeded of the IETF's
#: RateLimit draft) unless it is a quota of one minute.
QUOTA_WORDS = (
    QuotaWords(
        re.compile(
            rb"(daily|per[\W_]day)([\W_]+\w+)?[\W_]*(quota|limit|cap|maximum)", re.IGNORECASE
        ),
        0.0,
    ),
    QuotaWords(
        re.compile(
            rb"quota[\W_]*(is[\W_]|was[\W_]|limit[\W_])?[\W_]*(exceeded|exhausted|reached|used)",
            re.IGNORECASE,
        ),
        60.0,
    ),
)
#: A longer wait than this means the day, whatever the words.
LONGEST_RATE_LIMIT_S = 3600.0


def day_is_over(answer: Answer, retry_after_s: float | None) -> bool:
    """
    Does this 429 say that the day's quota is used up?

    >>> problem = b'{"type": "https://iana.org/assignments/http-problem-types#quota-exceeded"}'
    >>> day_is_over(Answer(429, body=problem), None)
    True
    >>> limited = Answer(429, body=b'{"error": {"code": "rate_limited"}}')
    >>> day_is_over(limited, 30.0), day_is_over(limited, 8 * 3600.0)
    (False, True)
    """
    description = answer.headers.get(DESCRIPTION_HEADER, "").encode()
    text = answer.body[:SEARCHED_BYTES] + description
    waits = [words.least_s for words in QUOTA_WORDS if words.pattern.search(text)]
    if retry_after_s is None:
        return bool(waits)
    if retry_after_s > LONGEST_RATE_LIMIT_S:
        return True
    return any(retry_after_s >= least_s for least_s in waits)


def _detail(answer: Answer) -> str:
    if answer.is_2xx and not answer.fault:
        return f"an acceptance without a valid jobId: {failure_text(answer)}"
    return failure_text(answer)
