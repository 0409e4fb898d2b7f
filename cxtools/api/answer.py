"""
What came back for one request, and what it says: whole or not, JSON or not, the API's own words or
a proxy's.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, Literal

from pydantic_core import from_json

from cxtools.text import safe_line

#: What an id must look like, in answers and in URLs; "../../admin" survives quoting.
ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
#: Where CXone's older APIs put the sentence about a failure, outside the body.
DESCRIPTION_HEADER = "icstatusdescription"
#: Bytes of a body that are searched for words.
SEARCHED_BYTES = 4000
#: Characters of what others wrote that are shown.
SHOWN_CHARACTERS = 300
SHOWN_TRACE = 100


@dataclass(frozen=True)
class Answer:
    """
    What came back for one request.

    `fault` is "" for a whole answer; "not_sent" when not one byte of the request had left,
    "no_answer" when no whole head came back, "cut" when the body is incomplete, too long or can't
    be decompressed. Then `reason` says why in words. `headers` has lower-case names; `body` is
    decompressed.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    fault: Literal["", "not_sent", "no_answer", "cut"] = ""
    reason: str = ""

    @property
    def is_2xx(self) -> bool:
        """By its status alone: the body may be cut."""
        return self._has_status(200, 299)

    @property
    def is_5xx(self) -> bool:
        return self._has_status(500, 599)

    def _has_status(self, first: int, last: int) -> bool:
        return self.status is not None and first <= self.status <= last

    @property
    def trace_id(self) -> str:
        return safe_line(self.headers.get("x-trace-id", ""), SHOWN_TRACE)

    @cached_property
    def document(self) -> dict[str, Any] | None:
        """The body as a JSON object; None when it is anything else, or not whole."""
        if self.fault:
            return None
        with suppress(ValueError):
            # To look up which texts came before takes as long as to read them.
            parsed = from_json(self.body, allow_inf_nan=False, cache_strings="keys")
            if isinstance(parsed, dict):
                return parsed
        return None

    @property
    def is_unreadable(self) -> bool:
        """A whole 2xx with something in it that is not a JSON object: a proxy's page, maybe."""
        if self.fault or not self.is_2xx or self.status == HTTPStatus.NO_CONTENT:
            return False
        return self.document is None

    @property
    def job_id(self) -> str | None:
        """The jobId of an acceptance; None when there is none of the right form."""
        value = (self.document or {}).get("jobId")
        if isinstance(value, str) and ID.fullmatch(value):
            return value
        return None


def failure_text(answer: Answer) -> str:
    """
    What the server, or the network, says went wrong: one line, without addresses; knows every error
    shape seen on CXone.

    >>> body = b'{"errors": [{"field": "subject", "message": "is required"}]}'
    >>> failure_text(Answer(400, body=body))
    'subject: is required'
    >>> page = Answer(502, body=b"<html><title>Bad Gateway</title>...")
    >>> failure_text(page), failure_text(Answer(404))
    ('a web page: Bad Gateway', 'no reason given')
    """
    if answer.fault:
        return answer.reason or answer.fault
    words = (
        "; ".join(_sentences(answer.document))
        or answer.headers.get(DESCRIPTION_HEADER, "")
        or _web_page(answer)
    )
    return safe_line(words, SHOWN_CHARACTERS) or "no reason given"


#: Where error documents say something, in the order of reading; names are compared in lower case
#: and without "_".
SENTENCE_KEYS = (
    "code",
    "errorcode",
    "field",
    "message",
    "errordescription",
    "title",
    "detail",
)
#: Where they hold further error documents.
INNER_KEYS = ("error", "errors", "details")
#: Documents of a list that are read.
READ_ITEMS = 5


def _sentences(part: Any) -> list[str]:
    """The sentences of an error document, outermost first."""
    if isinstance(part, str):
        return [part] if part.strip() else []
    if isinstance(part, list):
        return _all_sentences(part[:READ_ITEMS])
    if isinstance(part, dict):
        values = {_plain(key): value for key, value in part.items()}
        words = [_text(values.get(key)) for key in SENTENCE_KEYS]
        sentence = ": ".join(filter(None, words))
        inner = _all_sentences([values.get(key) for key in INNER_KEYS])
        return [sentence, *inner] if sentence else inner
    return []


def _all_sentences(parts: list[Any]) -> list[str]:
    sentences: list[str] = []
    for part in parts:
        sentences += _sentences(part)
    return sentences


def _plain(key: object) -> str:
    return str(key).lower().replace("_", "")


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _web_page(answer: Answer) -> str:
    text = answer.body[:SEARCHED_BYTES].decode("utf-8", "replace")
    if "<" not in text:
        return ""
    match = re.search(r"<title[^>]*>([^<]*)", text, re.IGNORECASE)
    title = match[1].strip() if match else ""
    return f"a web page: {title}" if title else "a web page"


def is_own_error(answer: Answer) -> bool:
    """
    Is this body the API's own error document, and not a proxy's or a web framework's?

    >>> is_own_error(Answer(404, body=b'{"error": {"code": "not_found", "message": "no entry"}}'))
    True
    >>> is_own_error(Answer(404, body=b'{"detail": "Not Found"}'))
    False
    """
    document = answer.document or {}
    error = document.get("error")
    if isinstance(error, dict):
        return isinstance(error.get("code"), str)
    described = "errordescription" in map(_plain, document)
    return isinstance(error, str) and described
