"""What goes over the wire: a request as the world sees it, and the answer to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple


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
        body = compact(body)
    kind = {"Content-Type": "application/json"} if body else {}
    return Answer(status, body, {**kind, **(headers or {})}, how)


def problem(
    status: int, code: str, message: str, details: list[dict[str, str]] | None = None
) -> Answer:
    """A refusal in the API's own form."""
    error = {"code": code, "message": message, "details": details or []}
    return answer(status, {"error": error})


def compact(document: Any) -> bytes:
    """A document as JSON without a space too many."""
    return json.dumps(
        document,
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def iso(at: datetime, spec: str = "seconds") -> str:
    return at.isoformat(timespec=spec).replace("+00:00", "Z")
