"""Mailjet: the events of its webhooks."""

from __future__ import annotations

from cxtools.events.feeds.dialect import STANDARD, Dialect, build_event
from cxtools.events.feeds.nested import required_text, text_at, texts_at
from cxtools.events.feeds.values import Row
from cxtools.model import Event

NAME = "mailjet"
TITLE = "Mailjet"
SOURCE = "https://dev.mailjet.com/email/guides/webhooks/"
EXPORT = "What the event webhook receives, one event or one array of events a line."
NEVER_TELLS = "that it took a message, and whether a machine opened"

#: Mailjet says "sent" when the receiving server took the message.
WORDS = {
    "sent": "delivery",
    "open": "open",
    "click": "click",
    "bounce": "bounce",
    "blocked": "suppressed",
    "spam": "complaint",
    "unsub": "unsubscribe",
}
#: Errors of a bounce after which Mailjet tries again.
TRIED_AGAIN = {"greylisted"}

#: Our field -> Mailjet's, the first that is there.
FIELDS = {
    "email": ("email",),
    "message_id": ("MessageID", "mj_message_id", "Message_GUID"),
    "job_id": ("mj_campaign_id",),
    "link_url": ("url",),
    "user_agent": ("agent",),
    "ip": ("ip",),
}
#: Fields that Mailjet alone has.
MARKS = {"mj_campaign_id", "mj_contact_id", "mj_message_id", "Message_GUID"}
#: What Mailjet writes where a message belongs to no campaign.
NO_CAMPAIGN = "0"


def recognises(row: Row) -> bool:
    """
    Whether a row is an event of Mailjet's.

    >>> recognises({"event": "open", "MessageID": 1940, "mj_campaign_id": 7})
    True
    """
    return "event" in row and not MARKS.isdisjoint(row)


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """One event per record."""
    word = required_text(row, "event")
    kind = dialect.kind(WORDS, word)
    error = text_at(row, "error")
    if kind == "bounce" and error in TRIED_AGAIN:
        kind = "deferral"
    texts = texts_at(row, FIELDS)
    if texts["job_id"] == NO_CAMPAIGN:
        texts["job_id"] = ""
    if error or word == "bounce":
        texts |= {"bounce_text": text_at(row, "comment"), "bounce_class": _bounce_class(row, error)}
    time = row.get("time")
    return [build_event(row, dialect, kind=kind, word=word, time=time, texts=texts)]


def _bounce_class(row: Row, error: str) -> str:
    """Whether the bounce was a hard one, where that is said, and Mailjet's word for the error."""
    hardness = ""
    if "hard_bounce" in row:
        hardness = "hard" if row["hard_bounce"] is True else "soft"
    bounce_class = f"{hardness} {error}".strip()
    return bounce_class and f"{NAME}: {bounce_class}"
