"""CXone: events as its API words them, from a page, an export or a stream."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from cxtools.events.feeds.columns import ANY_FORM, ISO_FORMS, Reading
from cxtools.events.feeds.dialect import STANDARD, Dialect
from cxtools.events.feeds.plain import Plain
from cxtools.events.feeds.values import Row, cell_text
from cxtools.events.feeds.words import COMMON_WORDS
from cxtools.model import EVENT_TEXTS, KINDS, Event
from cxtools.text import parse_moment

NAME = "cxone"
TITLE = "CXone"
SOURCE = "docs/reference/contract.md"
EXPORT = "`GET /email/v1/jobs/{jobId}/events`, page by page: keep the answers as they are."
NEVER_TELLS = (
    "complaints, unsubscribes, whether a machine opened, and the platform's own sort of bounce"
)

#: The API documents our kinds only. Streams and exports were never documented: there, what other
#: systems say is understood, too.
API_WORDS = {kind: kind for kind in KINDS}
WORDS = COMMON_WORDS


def recognises(row: Row) -> bool:
    """
    Whether a row is an event of the CXone Email API.

    >>> recognises({"eventType": "open", "messageId": "m1"})
    True
    """
    return PLAIN.marks_row(row)


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """One event per record."""
    return [PLAIN.event(row, dialect)]


def _text(cell: object) -> str:
    return str(cell or "")


def _text_in_a_file(cell: object) -> str:
    return cell_text(cell) if isinstance(cell, list | dict) else _text(cell)


def _moment_or_none(dialect: Dialect, cell: object) -> datetime | None:
    return parse_moment(cell)


#: A page of the API: what can't be read as a moment is none.
PAGE = Plain(
    word=("eventType",),
    words=API_WORDS,
    no_word="eventType is missing",
    time="timestamp",
    texts={field: (name,) for field, name in EVENT_TEXTS.items()},
    reading=Reading(_text, strips=False, only_texts=True, moment=_moment_or_none, forms=ISO_FORMS),
)
#: A file, in which a moment may have any form and what can't be read costs its row.
PLAIN = replace(
    PAGE,
    words=WORDS,
    marks=(
        ("eventType", "messageId"),
        ("eventType", "recipientId"),
        ("eventType", "emailAddress"),
    ),
    reading=PAGE.reading._replace(text=_text_in_a_file, moment=Dialect.moment, forms=ANY_FORM),
)
