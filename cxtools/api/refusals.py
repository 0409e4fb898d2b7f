"""
The error that an answer becomes: one table from statuses to errors, what happened, what to do.

Pure.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from cxtools.api.answer import Answer, failure_text
from cxtools.errors import ApiError, Denied, RateLimited, Refused, ServerFault, Unreachable


class ErrorRow(NamedTuple):
    """
    One row of `ERRORS`: the error for the statuses from `first` to `last`, what happened, what to
    do.
    """

    first: int
    last: int
    error: type[ApiError]
    what: str
    do: str


#: First match wins.
ERRORS: tuple[ErrorRow, ...] = (
    ErrorRow(
        401,
        401,
        Denied,
        "the API doesn't accept the sign-in",
        "check the credentials and the environment they belong to",
    ),
    ErrorRow(
        403,
        403,
        Denied,
        "the API denies access",
        "ask for {scope} or for the role and permission of the user behind the credentials",
    ),
    ErrorRow(
        404,
        404,
        Refused,
        "the API doesn't know what was asked for",
        "check CXONE_ENV_URL, the profile's paths and the id",
    ),
    ErrorRow(
        429,
        429,
        RateLimited,
        "the API still limits the rate",
        "run it again later, or set a lower requests_per_s",
    ),
    ErrorRow(
        300,
        399,
        Refused,
        "the API answered with a redirect, which is not followed",
        "check CXONE_ENV_URL and the profile's paths",
    ),
    ErrorRow(
        400,
        499,
        Refused,
        "the API refused the request",
        "correct what it names; repeating it as it is won't help",
    ),
    ErrorRow(
        0,
        999,
        ServerFault,
        "the API failed",
        "run it again later; if it lasts, give the trace id to NICE's support",
    ),
)


def as_error(
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

    >>> scope = "the scope communications:email:read"
    >>> print(as_error(Answer(403), method="GET", path="/jobs", scope=scope))
    the API denies access: no reason given  [GET /jobs, status 403]
      -> ask for the scope communications:email:read or for the role and permission of the user
      behind the credentials
    """
    tail = f" (given up after {given_up})" if given_up else ""
    facts: dict[str, Any] = {
        "method": method,
        "path": path,
        "status": answer.status,
        "trace_id": answer.trace_id,
    }
    if answer.status is None or answer.fault:
        return Unreachable(
            f"no usable answer from the API: {failure_text(answer)}{tail}",
            do="check the network and CXONE_ENV_URL, then run it again",
            **facts,
        )
    row = next(row for row in ERRORS if row.first <= answer.status <= row.last)
    if row.error is RateLimited:
        facts["retry_after_s"] = retry_after_s
    what = f"{row.what}: {failure_text(answer)}{tail}"
    return row.error(what, do=row.do.format(scope=scope), **facts)
