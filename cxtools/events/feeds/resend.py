"""Resend: its webhooks."""

from __future__ import annotations

from cxtools.events.feeds.dialect import STANDARD, Dialect, build_event
from cxtools.events.feeds.nested import (
    list_of_texts,
    object_at,
    refuse_other_matters,
    required_text,
    text_at,
    texts_at,
)
from cxtools.events.feeds.values import Row
from cxtools.model import Event

NAME = "resend"
TITLE = "Resend"
SOURCE = "https://resend.com/docs/webhooks/event-types"
EXPORT = "What a webhook receives, one object a line."
NEVER_TELLS = "which of several recipients of one mail opened, clicked or complained"

WORDS = {
    "email.sent": "sent",
    "email.scheduled": "none",
    "email.delivered": "delivery",
    "email.delivery_delayed": "deferral",
    "email.bounced": "bounce",
    "email.suppressed": "suppressed",
    "email.failed": "suppressed",
    "email.opened": "open",
    "email.clicked": "click",
    "email.complained": "complaint",
}
#: How words begin that say nothing of a message that was sent.
OTHER_MATTERS = {
    "contact.": "a contact",
    "domain.": "a domain",
    "email.received": "a message that came in",
    "inbox.": "an inbox",
    "suppression.": "a list of addresses",
}
#: Subtypes of a bounce: Resend didn't even try, the address is on a list of its own.
NOT_TRIED = {"Suppressed", "OnAccountSuppressionList"}
#: The same in the words of bounces that have no subtype.
NOT_TRIED_WORDS = "suppression list"
#: What all recipients of a mail have in common; anything else is one person's.
COMMON = {"sent", "delivery", "none"}

FIELDS = {
    "message_id": ("email_id",),
    "job_id": ("broadcast_id",),
    "link_url": ("click.link",),
    "user_agent": ("click.userAgent", "open.userAgent"),
    "ip": ("click.ipAddress", "open.ipAddress"),
}
EXPLAINED = {"bounce", "deferral", "suppressed"}


def recognises(row: Row) -> bool:
    """
    Whether a row is an event of Resend's.

    >>> recognises({"type": "email.sent", "data": {"email_id": "m1"}})
    True
    """
    word = row.get("type")
    if not isinstance(word, str) or not isinstance(row.get("data"), dict):
        return False
    return word.startswith(("email.", *OTHER_MATTERS))


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """
    One event per recipient of what all of them have in common; of a mail to several the rest names
    none of them, since Resend doesn't say whose it was.
    """
    word = required_text(row, "type")
    refuse_other_matters(word, OTHER_MATTERS)
    data = object_at(row, "data")
    kind = _kind(word, data, dialect)
    texts = texts_at(data, FIELDS)
    if kind in EXPLAINED:
        texts |= _explanation(data)
    return [
        build_event(
            row,
            dialect,
            kind=kind,
            word=word,
            time=text_at(row, "created_at"),
            texts=texts | {"email": email},
            was_mailed=True,
        )
        for email in _people(kind, data)
    ]


def _kind(word: str, data: Row, dialect: Dialect) -> str:
    kind = dialect.kind(WORDS, word)
    if kind == "bounce" and _is_not_tried(data):
        return "suppressed"
    return kind


def _is_not_tried(data: Row) -> bool:
    subtype = text_at(data, "bounce.subType")
    if subtype:
        return subtype in NOT_TRIED
    return NOT_TRIED_WORDS in text_at(data, "bounce.message")


def _people(kind: str, data: Row) -> list[str]:
    """Whose events it is; "" where that can't be said."""
    people = list_of_texts(data, "to")
    if len(people) > 1 and kind not in COMMON:
        return [""]
    return people or [""]


def _explanation(data: Row) -> dict[str, str]:
    """
    What the server said or why Resend failed, and Resend's own types. `message` is left out: it
    describes the type, and speaks of the sender's reputation whatever happened.
    """
    types = (text_at(data, "bounce.type", "suppressed.type"), text_at(data, "bounce.subType"))
    bounce_class = " ".join(filter(None, types))
    return {
        "bounce_text": _said_by_server(data) or text_at(data, "failed.reason"),
        "bounce_class": bounce_class and f"{NAME}: {bounce_class}",
    }


def _said_by_server(data: Row) -> str:
    texts = list_of_texts(data, "bounce.diagnosticCode")
    return next(filter(None, texts), "")
