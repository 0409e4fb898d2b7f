"""
Other systems' words for what happened to a message, translated once: one module for each feed.

A feed has a NAME, which `--format` takes, a TITLE for people, the SOURCE of its words, a sentence
on how people EXPORT such a file and one on what the platform NEVER_TELLS, its WORDS -> our kinds,
`recognises(row)` and `events(row, dialect)`. `events` gives the events of one record (SES tells of
several recipients at once) or raises ValueError with the reason why it has none; the dialect is
what the user said about the file. A kind that we don't know is kept as "unknown", with the vendor's
word in `raw_kind`. Pure.

A feed whose rows are flat may say in a table, PLAIN, how they are read (see `plain`): then `events`
is one line of it, and many rows are read together, several times as fast.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from cxtools.events.feeds.dialect import STANDARD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cxtools.events.feeds.dialect import Dialect
    from cxtools.events.feeds.plain import Plain
    from cxtools.events.feeds.table import TableReader
    from cxtools.events.feeds.values import Row
    from cxtools.model import Event

#: The modules of this package that are feeds: the first that recognises a row reads it. A table
#: comes last, since it takes whatever nobody else knows.
NAMES = (
    "ses",
    "sendgrid",
    "mailgun",
    "postmark",
    "sparkpost",
    "mailjet",
    "brevo",
    "mandrill",
    "resend",
    "kumomta",
    "hubspot",
    "klaviyo",
    "mailchimp",
    "salesforce",
    "powermta",
    "postfix",
    "cxone",
    "table",
)

#: What `--format` takes: a feed's name, or AUTO for the feed that recognises each row.
AUTO = "auto"
FORMATS = (AUTO, *sorted(NAMES))


class Feed(Protocol):
    """What each feed offers."""

    NAME: str
    TITLE: str
    SOURCE: str
    EXPORT: str
    NEVER_TELLS: str
    WORDS: Mapping[str, str]

    def recognises(self, row: Row) -> bool: ...

    def events(self, row: Row, dialect: Dialect = ...) -> list[Event]: ...


@cache
def feed(name: str) -> Feed:
    """The feed of a name, loaded when it is asked for: the command line's help needs names only."""
    return cast(Feed, import_module(f"{__name__}.{name}"))


def recognise(row: Row) -> str:
    """
    The name of the feed that a row comes from.

    >>> recognise({"event": "open", "sg_event_id": "x", "email": "ann@example.com"})
    'sendgrid'
    >>> recognise({"Event Type": "opened", "E-Mail": "ann@example.com"})
    'table'
    """
    return next(name for name in NAMES if feed(name).recognises(row))


def read(
    row: Row,
    name: str,
    dialect: Dialect = STANDARD,
    *,
    table_reader: TableReader | None = None,
) -> list[Event]:
    """
    The events of a row in the words of one feed; *table_reader* says how a table is to be read.

    Raises:
        ValueError: the row isn't a record of that feed.
    """
    if name == "table" and table_reader:
        return table_reader.events(row, dialect)
    return feed(name).events(row, dialect)


def clock_note(name: str) -> str:
    """What is to be said about the moments of a feed where the user named no zone; "" for most."""
    note: str = getattr(feed(name), "CLOCK", "")
    return note


def plain_feed(name: str, names: tuple[str, ...] | None = None) -> Plain | None:
    """
    How many rows of a feed are read together; None where each is read by itself. *names* are the
    columns of a table: a feed with tables of several sorts has `plain_of` for that.
    """
    module = feed(name)
    if names is not None and hasattr(module, "plain_of"):
        return cast("Plain | None", module.plain_of(names))
    found: Plain | None = getattr(module, "PLAIN", None)
    return found
