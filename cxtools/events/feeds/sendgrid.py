"""SendGrid: the event webhook."""

from __future__ import annotations

import re

from cxtools.events.feeds.dialect import STANDARD, Dialect
from cxtools.events.feeds.plain import Plain, Value
from cxtools.events.feeds.values import Row
from cxtools.model import Event

NAME = "sendgrid"
TITLE = "SendGrid"
SOURCE = "https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event"
EXPORT = (
    "Settings → Mail Settings → Event Webhook: keep what it posts, one JSON array or one event a "
    "line."
)
NEVER_TELLS = "whether a machine opened, but for Apple's mail privacy"

#: A "bounce" of the type "blocked" is a bounce, too; its verdict tells them apart.
WORDS = {
    "processed": "sent",
    "delivered": "delivery",
    "deferred": "deferral",
    "bounce": "bounce",
    "blocked": "bounce",
    "dropped": "suppressed",
    "open": "open",
    "click": "click",
    "spamreport": "complaint",
    "unsubscribe": "unsubscribe",
    "group_unsubscribe": "unsubscribe",
}
#: Our field -> SendGrid's, the first that is there.
FIELDS = {
    "event_id": ("sg_event_id",),
    "email": ("email",),
    "bounce_code": ("status",),
    "bounce_text": ("reason", "response"),
    "link_url": ("url",),
    "user_agent": ("useragent",),
    "ip": ("ip",),
}
#: The names in an event, and those of them that tell its sender where there are no ids.
NAMES = {
    "asm_group_id",
    "attempt",
    "category",
    "cert_err",
    "email",
    "event",
    "ip",
    "newsletter",
    "reason",
    "response",
    "send_at",
    "status",
    "timestamp",
    "tls",
    "type",
    "url",
    "url_offset",
    "useragent",
}
TELLING = {
    "asm_group_id",
    "attempt",
    "category",
    "cert_err",
    "newsletter",
    "response",
    "tls",
    "type",
    "url_offset",
    "useragent",
}
#: What SendGrid's own machines append to a message's id; it differs between events of one message.
MACHINE_NAME = re.compile(r"\.(filter|recvd).*$")


def recognises(row: Row) -> bool:
    """
    Whether a row is an event of SendGrid's webhook.

    >>> recognises({"event": "open", "sg_event_id": "x", "email": "ann@example.com"})
    True
    """
    return PLAIN.marks_row(row) or _seems_old(row)


def _seems_old(row: Row) -> bool:
    """
    Whether a row has only names that SendGrid's webhook uses, and what a table of events would not
    have: until 2014 there were no ids.
    """
    names = row.keys()
    is_event = "event" in names and "email" in names and isinstance(row.get("timestamp"), int)
    return is_event and names <= NAMES and not names.isdisjoint(TELLING)


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """
    One event per record; `message_id` is the sg_message_id without the name of the machine that
    handled it.
    """
    return [PLAIN.event(row, dialect)]


def _message_id(given: str, header: str) -> str:
    return MACHINE_NAME.sub("", given or header)


def _by_machine(flag: str) -> bool | None:
    """True where Apple's mail privacy fetched the images, whoever read the mail."""
    return flag.lower() == "true" if flag else None


def _bounce_class(word: str, kind: str, classification: str) -> str:
    """SendGrid's type (bounce or blocked) and classification; "" for what didn't bounce."""
    if word not in {"bounce", "blocked"}:
        return ""
    return " ".join(filter(None, (kind, classification)))


PLAIN = Plain(
    word=("event",),
    words=WORDS,
    no_word="event is missing",
    marks=(
        ("event", "sg_event_id"),
        ("event", "sg_message_id"),
        ("event", "smtp-id"),
    ),
    time="timestamp",
    texts=FIELDS,
    values={
        "message_id": Value(("sg_message_id", "smtp-id"), _message_id),
        "by_machine": Value(("sg_machine_open",), _by_machine),
        "bounce_class": Value(("event", "type", "bounce_classification"), _bounce_class),
    },
)
