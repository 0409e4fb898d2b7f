"""
What an answer means: the outcome of a submit row by row, errors, and complaints in every shape.
"""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxtools.api.answer import Answer, failure_text, is_own_error
from cxtools.api.outcome import OUTCOMES, post_outcome
from cxtools.api.refusals import as_error
from cxtools.errors import ApiError, Denied, RateLimited, Refused, ServerFault, Unreachable


def answer(
    status: int | None = None,
    body: Any = b"",
    headers: dict[str, str] | None = None,
    fault: Literal["", "not_sent", "no_answer", "cut"] = "",
    reason: str = "",
) -> Answer:
    """An answer whose body is JSON, if it isn't given as bytes."""
    packed = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, headers or {}, packed, fault, reason)


# --- the submit ---

GOOD = {"jobId": "J-1_a", "status": "queued"}


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        (answer(fault="not_sent", reason="the host name is not known"), "not_sent"),
        *[(answer(status), "refused") for status in (400, 401, 403, 404, 405, 413, 415, 422)],
        (answer(400, fault="cut"), "refused"),  # the status line is enough for a refusal
        (answer(429), "limited"),
        (answer(202, GOOD), "accepted"),
        (answer(200, GOOD), "accepted"),
        (answer(202, GOOD, fault="cut"), "unknown"),  # ... but not for an acceptance
        (answer(202, b'{"jobId": "J-1'), "unknown"),
        (answer(202, b""), "unknown"),
        (answer(202, b"<html>please sign in</html>"), "unknown"),
        (answer(202, b"12"), "unknown"),
        (answer(202, [GOOD]), "unknown"),
        (answer(202, {"status": "queued"}), "unknown"),
        (answer(202, {"jobId": None}), "unknown"),
        (answer(202, {"jobId": ""}), "unknown"),
        (answer(202, {"jobId": 17}), "unknown"),
        (answer(202, {"jobId": "../../admin"}), "unknown"),
        (answer(202, {"jobId": "x" * 129}), "unknown"),
        (answer(202, {"jobId": "J-1\n"}), "unknown"),
        (answer(204), "unknown"),
        (answer(fault="no_answer", reason="the connection was reset"), "unknown"),
        *[
            (answer(status, GOOD), "unknown")
            for status in (301, 302, 307, 308, 402, 408, 409, 410, 500, 502, 503, 504)
        ],
    ],
    ids=lambda value: (
        value
        if isinstance(value, str)
        else f"{value.status}-{value.fault}-{value.body[:20].decode()}"
    ),
)
def test_each_outcome_of_a_submit(happened: Answer, expected: str) -> None:
    """
    E04: refused and limited only where the server certainly did not take it; everything in doubt is
    unknown.
    """
    outcome = post_outcome(happened)

    assert expected == outcome.kind
    assert ("J-1_a" if expected == "accepted" else None) == outcome.job_id


def test_each_row_of_the_table_is_reached() -> None:
    """No row is shadowed by one above it."""
    examples = [
        answer(fault="not_sent"),
        answer(400),
        answer(429),
        answer(202, GOOD),
        answer(fault="no_answer"),
    ]

    assert list(OUTCOMES) == [
        next(row for row in OUTCOMES if row.applies(example)) for example in examples
    ]


@pytest.mark.parametrize(
    ("status", "denied"), [(400, False), (401, True), (403, True), (422, False), (429, False)]
)
def test_denied_says_that_it_is_about_us(status: int | None, denied: bool) -> None:
    """401 and 403 are no fault of the batch: it stays planned."""
    assert denied == post_outcome(answer(status)).denied


def test_a_429_is_unknown_where_it_is_not_trusted() -> None:
    """Some gateways send 429 after they passed the request on."""
    assert ("limited", 7.0) == (
        post_outcome(answer(429), retry_after_s=7.0).kind,
        post_outcome(answer(429), retry_after_s=7.0).retry_after_s,
    )
    assert "unknown" == post_outcome(answer(429), trust_429=False).kind


QUOTAS = [
    # the 429 says
    # Retry-After   it means
    ({"type": "https://iana.org/assignments/http-problem-types#quota-exceeded"}, None, "exhausted"),
    (
        {"type": "https://iana.org/assignments/http-problem-types#quota-exceeded"},
        28800.0,
        "exhausted",
    ),
    ({"type": "https://iana.org/assignments/http-problem-types#quota-exceeded"}, 10.0, "limited"),
    ({"error": {"code": "quota_exceeded", "message": "…"}}, None, "exhausted"),
    ({"errorCode": "QuotaExceeded"}, None, "exhausted"),
    ({"code": "DAILY_LIMIT"}, 30.0, "exhausted"),
    ({"message": "Daily message quota exceeded."}, 1.0, "exhausted"),
    ({"message": "you may send 10,000 messages per day; limit reached"}, 1.0, "exhausted"),
    ({"error": {"code": "rate_limited", "message": "slow down"}}, None, "limited"),
    ({"error": {"code": "rate_limited", "message": "slow down"}}, 3600.0, "limited"),
    ({"error": {"code": "rate_limited", "message": "slow down"}}, 7200.0, "exhausted"),
    (
        {"type": "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"},
        None,
        "limited",
    ),
    (b"", None, "limited"),
    (b"", 43200.0, "exhausted"),
]


@pytest.mark.parametrize(("body", "wait_s", "expected"), QUOTAS)
def test_a_429_may_mean_the_day(body: Any, wait_s: float | None, expected: str) -> None:
    """
    What the server calls daily, a quota that isn't a minute's, and any wait of more than an hour
    end the sending of the day.
    """
    assert expected == post_outcome(answer(429, body), retry_after_s=wait_s).kind
    assert "unknown" == post_outcome(answer(429, body), retry_after_s=wait_s, trust_429=False).kind


@given(st.integers(100, 599), st.binary(max_size=60), st.sampled_from(["", "cut"]))
def test_nothing_but_a_whole_2xx_with_a_job_is_accepted(
    status: int | None, body: bytes, fault: Literal["", "cut"]
) -> None:
    """Whatever bytes come, "accepted" has a jobId, and nobody raises."""
    outcome = post_outcome(Answer(status, {}, body, fault))

    assert (outcome.kind == "accepted") == (outcome.job_id is not None)
    assert outcome.kind != "accepted" or (status in range(200, 300) and not fault)


# --- complaints ---


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        (
            answer(
                400,
                {
                    "error": {
                        "code": "invalid",
                        "message": "too many",
                        "details": [{"field": "recipients", "message": "at most 1000"}],
                    }
                },
            ),
            "invalid: too many; recipients: at most 1000",
        ),
        (
            answer(401, {"error": "invalid_client", "error_description": "unknown client"}),
            "unknown client; invalid_client",
        ),
        (answer(400, {"error": "bad", "errorDescription": "no such skill"}), "no such skill; bad"),
        (answer(400, {"error": "bad", "error_Description": "no such point"}), "no such point; bad"),
        (
            answer(
                422,
                {
                    "errors": [{"field": "subject", "message": "is required", "errorCode": "E7"}],
                    "uid": "u",
                },
            ),
            "E7: subject: is required",
        ),
        (answer(403, {"Message": "not your tenant"}), "not your tenant"),
        (answer(404, {"message": "gone"}), "gone"),
        (
            answer(400, {"title": "Out of quota", "detail": "50,000 a day"}),
            "Out of quota: 50,000 a day",
        ),
        (answer(400, {"errors": ["one", "two"]}), "one; two"),
        (answer(400, headers={"icstatusdescription": "Invalid skill"}), "Invalid skill"),
        (
            answer(502, b"<!DOCTYPE html><html><head><TITLE>\n502 Bad Gateway</TITLE>"),
            "a web page: 502 Bad Gateway",
        ),
        (answer(502, b"<p>oops"), "a web page"),
        (answer(500), "no reason given"),
        (answer(500, b"\xff\xfe\x00"), "no reason given"),
        (answer(500, [1, 2]), "no reason given"),
        (answer(500, {"error": {"code": 7}}), "no reason given"),
        (answer(fault="no_answer", reason="the connection was reset"), "the connection was reset"),
    ],
)
def test_complaints_are_read_in_every_shape(happened: Answer, expected: str) -> None:
    """All error bodies seen on CXone, in one line."""
    assert expected == failure_text(happened)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["error", "errors", "details", "message", "code"]), inner
            )
        ),
    )
)
def test_no_error_body_breaks_the_parser(body: Any) -> None:
    """Whatever JSON comes, a line of at most 300 printable characters goes out."""
    line = failure_text(answer(400, body))

    assert 0 < len(line) <= 300
    assert "\n" not in line
    assert "\x1b" not in line


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"code": "not_found", "message": "not listed"}}, True),
        ({"error": "not_found", "errorDescription": "not listed"}, True),
        ({"error": "not_found", "error_description": "not listed"}, True),
        ({"error": {"message": "no code"}}, False),
        (
            {"timestamp": "2026-01-01", "status": 404, "error": "Not Found", "path": "/x"},
            False,
        ),  # Spring
        ({"detail": "Not Found"}, False),  # Starlette, Django REST
        ({"message": "no Route matched with those values"}, False),  # Kong
        ({}, False),
        ([], False),
        (b"", False),
        (b"<html>404</html>", False),
        (b'{"error": {"code": "not_found"', False),
    ],
)
def test_B04_a_404_is_the_apis_own_word_only_with_its_error_document(
    body: Any, expected: bool
) -> None:
    """B04: the 404 of a proxy, a gateway or a web framework clears nobody."""
    assert expected == is_own_error(answer(404, body))


# --- errors ---


@pytest.mark.parametrize(
    ("happened", "error", "says"),
    [
        (answer(400, {"Message": "bad"}), Refused, "the API refused the request: bad"),
        (answer(401), Denied, "the API doesn't accept the sign-in"),
        (
            answer(403),
            Denied,
            "ask for the scope x:send or for the role and permission of the user",
        ),
        (answer(404), Refused, "check CXONE_ENV_URL, the profile's paths and the id"),
        (
            answer(307, headers={"location": "https://elsewhere.example"}),
            Refused,
            "redirect, which is not followed",
        ),
        *[(answer(status), Refused, "refused") for status in (405, 409, 413, 415, 422, 451)],
        (answer(429), RateLimited, "set a lower requests_per_s"),
        (answer(500, headers={"x-trace-id": "t-9"}), ServerFault, "trace t-9"),
        (answer(503), ServerFault, "given up after 3 tries"),
        (
            answer(fault="not_sent", reason="the connection was refused"),
            Unreachable,
            "the connection was refused",
        ),
        (answer(200, fault="cut", reason="the answer was cut off"), Unreachable, "status 200"),
    ],
    ids=lambda value: f"{value.status}{value.fault}" if isinstance(value, Answer) else None,
)
def test_each_answer_becomes_its_error(happened: Answer, error: type[ApiError], says: str) -> None:
    """The type tells who is to blame, the text what happened, where, and what to do."""
    raised = as_error(
        happened,
        method="GET",
        path="/jobs",
        scope="the scope x:send",
        given_up="3 tries",
        retry_after_s=9.0,
    )

    assert error is type(raised)
    assert says in str(raised)
    assert "GET /jobs" in str(raised)
    assert ("GET", "/jobs", happened.status, happened.trace_id) == (
        raised.method,
        raised.path,
        raised.status,
        raised.trace_id,
    )
    assert 9.0 == getattr(raised, "retry_after_s", 9.0)
