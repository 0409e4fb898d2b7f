"""CXone: events as its API words them, from a page, an export or a stream."""

from __future__ import annotations

from dataclasses import replace

from cxtools.events.feeds.values import Row, parse_time
from cxtools.model import Event

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
