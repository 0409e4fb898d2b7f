"""Brevo, formerly Sendinblue: its webhooks, and the pages of its API's email events."""

from __future__ import annotations

from cxtools.events.feeds.dialect import STANDARD, Dialect, build_event
from cxtools.events.feeds.nested import required_text, text_at, texts_at
from cxtools.events.feeds.values import Row, spelling
from cxtools.model import Event

NAME = "brevo"
TITLE = "Brevo"
SOURCE = "https://developers.brevo.com/docs/transactional-webhooks"
EXPORT = (
    "What a transactional or marketing webhook receives, one object a line, or the pages of GET "
    "/v3/smtp/statistics/events."
)
NEVER_TELLS = "which message of a marketing campaign it was: it names the campaign and the address"

#: The words of webhooks, of the API that sets them up, and of its pages, as `spelling` leaves them.
#: An open through a proxy is the mail program's, whether or not somebody reads.
WORDS = {
    "request": "sent",
    "requests": "sent",
    "sent": "sent",
    "delivered": "delivery",
    "hardbounce": "bounce",
    "hardbounces": "bounce",
    "softbounce": "bounce",
    "softbounces": "bounce",
    "bounces": "bounce",
    "invalid": "bounce",
    "invalidemail": "bounce",
    "deferred": "deferral",
    "blocked": "suppressed",
    "error": "suppressed",
    "opened": "open",
    "uniqueopened": "open",
    "proxyopen": "open",
    "uniqueproxyopen": "open",
    "loadedbyproxy": "open",
    "click": "click",
    "clicks": "click",
    "spam": "complaint",
    "complaint": "complaint",
    "unsubscribe": "unsubscribe",
    "unsubscribed": "unsubscribe",
}
#: Opens that a mail program's proxy made.
BY_PROXY = {"proxyopen", "uniqueproxyopen", "loadedbyproxy"}
#: Words that say nothing of a message that was sent.
OTHER_MATTERS = {
    "listaddition": "a contact",
    "contactupdated": "a contact",
    "contactdeleted": "a contact",
    "inboundemailprocessed": "a message that came in",
}
#: Our field -> Brevo's, the first that is there. `id` is the webhook's.
FIELDS = {
    "email": ("email",),
    "message_id": ("message-id", "messageId"),
    "job_id": ("camp_id",),
    "link_url": ("link", "URL"),
    "user_agent": ("user_agent",),
}
#: The moments that are UTC come first; `date` is in the account's zone.
TIMES = ("ts_epoch", "ts_event", "ts", "date_event", "date")
#: Fields of webhooks that Brevo alone has, and all fields that every event of its API has.
MARKS = {"ts_epoch", "ts_event", "camp_id"}
PAGE = {"event", "email", "date", "messageId", "from"}
EXPLAINED = {"bounce", "deferral", "suppressed"}


def recognises(row: Row) -> bool:
    """
    Whether a row is an event of Brevo's.

    >>> recognises({"event": "request", "message-id": "<m1@relay.example>", "ts_epoch": 0})
    True
    """
    in_webhook = "event" in row and not MARKS.isdisjoint(row)
    return in_webhook or row.keys() >= PAGE


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """One event per record."""
    word = required_text(row, "event")
    other = OTHER_MATTERS.get(spelling(word))
    if other:
        raise ValueError(f"{word} is about {other}, not about a message that was sent")
    kind = dialect.kind(WORDS, word)
    texts = texts_at(row, FIELDS)
    if kind in EXPLAINED:
        texts |= {"bounce_text": text_at(row, "reason"), "bounce_class": f"{NAME}: {word}"}
    if kind in {"open", "click"}:
        texts["ip"] = text_at(row, "ip")
    by_machine = True if spelling(word) in BY_PROXY else None
    time = text_at(row, *TIMES)
    return [
        build_event(
            row, dialect, kind=kind, word=word, time=time, texts=texts, by_machine=by_machine
        )
    ]
