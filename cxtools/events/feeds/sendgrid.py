"""SendGrid: the event webhook."""

from __future__ import annotations

import re

from cxtools.events.feeds.values import Row, build_event, cell_text, first_text
from cxtools.model import Event

NAME = "sendgrid"
TITLE = "SendGrid"
SOURCE = "https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event"

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
    "message_id": ("sg_message_id", "smtp-id"),
    "email": ("email",),
    "bounce_code": ("status",),
    "bounce_text": ("reason", "response"),
    "link_url": ("url",),
    "user_agent": ("useragent",),
    "ip": ("ip",),
}
#: What SendGrid's own machines append to a message's id; it differs between events of one message.
MACHINE_NAME = re.compile(r"\.(filter|recvd).*$")


def recognises(row: Row) -> bool:
    """
    Whether a row is an event of SendGrid's webhook.

    >>> recognises({"event": "open", "sg_event_id": "x", "email": "ann@example.com"})
    True
    """
    return "event" in row and ("sg_event_id" in row or "sg_message_id" in row)


def events(row: Row) -> list[Event]:
    """
    One event per record; `message_id` is the sg_message_id without the name of the machine that
    handled it.
    """
    word = cell_text(row.get("event"))
    if not word:
        raise ValueError("event is missing")
    texts = {field: first_text(row, names) for field, names in FIELDS.items()}
    texts["message_id"] = MACHINE_NAME.sub("", texts["message_id"])
    texts["bounce_class"] = _bounce_class(row)
    event = build_event(
        row,
        kind=WORDS.get(word, "unknown"),
        word=word,
        time=row.get("timestamp"),
        texts=texts,
        by_machine=_by_machine(row),
    )
    return [event]


def _by_machine(row: Row) -> bool | None:
    """True where Apple's mail privacy fetched the images, whoever read the mail."""
    flag = cell_text(row.get("sg_machine_open")).lower()
    return flag == "true" if flag else None


def _bounce_class(row: Row) -> str:
    """SendGrid's type (bounce or blocked) and classification; "" for what didn't bounce."""
    if row.get("event") not in {"bounce", "blocked"}:
        return ""
    classes = (cell_text(row.get("type")), cell_text(row.get("bounce_classification")))
    return " ".join(filter(None, classes))
