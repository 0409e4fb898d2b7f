"""CXone: events as its API words them, from a page, an export or a stream."""

from __future__ import annotations

from dataclasses import replace

from cxtools.events.feeds.columns import ANY_FORM, ISO_FORMS, Reading
from cxtools.events.feeds.plain import Kind, Plain
from cxtools.events.feeds.values import Row, parse_time
from cxtools.model import EVENT_TEXTS, Event, kind_in_api
from cxtools.text import parse_moment

NAME = "cxone"
TITLE = "CXone"
SOURCE = "docs/reference/contract.md"


def recognises(row: Row) -> bool:
    """
    Whether a row is an event of the CXone Email API.

    >>> recognises({"eventType": "open", "messageId": "m1"})
    True
    """
    named = "messageId" in row or "recipientId" in row or "emailAddress" in row
    return "eventType" in row and named


def events(row: Row) -> list[Event]:
    """One event per record, the same as the API's client makes of it."""
    event = Event.from_api(row)
    return [replace(event, ts=parse_time(row.get("timestamp")))]


def _text(cell: object) -> str:
    return str(cell or "")


def _kind(word: str) -> Kind:
    if not word:
        raise ValueError("eventType is missing")
    return Kind(kind_in_api(word), word)


#: A page of the API: what can't be read as a moment is none.
PAGE = Plain(
    word=("eventType",),
    kind=_kind,
    time="timestamp",
    texts={field: (name,) for field, name in EVENT_TEXTS.items()},
    reading=Reading(_text, strips=False, only_texts=True, moment=parse_moment, forms=ISO_FORMS),
)
#: A file, in which a moment may have any form and what can't be read costs its row.
PLAIN = replace(
    PAGE,
    reading=PAGE.reading._replace(moment=parse_time, forms=ANY_FORM),
)
