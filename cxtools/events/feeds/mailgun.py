"""Mailgun: its webhooks, those of before 2018 too, and the pages of its events API."""

from __future__ import annotations

from cxtools.events.feeds.dialect import STANDARD, Dialect, build_event
from cxtools.events.feeds.nested import (
    object_at,
    refuse_other_matters,
    required_text,
    text_at,
    texts_at,
    value_at,
)
from cxtools.events.feeds.values import Row
from cxtools.model import Event

NAME = "mailgun"
TITLE = "Mailgun"
SOURCE = "https://documentation.mailgun.com/docs/mailgun/user-manual/events/event-structure"
EXPORT = (
    "The pages of the events API (GET /v3/DOMAIN/events), or what a webhook receives, one object a "
    "line."
)
NEVER_TELLS = ""

#: What failed or was dropped is told apart by its reason, or else by its severity.
WORDS = {
    "accepted": "sent",
    "delivered": "delivery",
    "rejected": "suppressed",
    "failed": "bounce",
    "failed permanent": "bounce",
    "failed temporary": "deferral",
    "failed old": "bounce",
    "failed suppress-bounce": "suppressed",
    "failed suppress-complaint": "suppressed",
    "failed suppress-unsubscribe": "suppressed",
    "bounced": "bounce",
    "dropped": "suppressed",
    "dropped hardfail": "bounce",
    "dropped old": "bounce",
    "dropped suppress-bounce": "suppressed",
    "dropped suppress-complaint": "suppressed",
    "dropped suppress-unsubscribe": "suppressed",
    "opened": "open",
    "clicked": "click",
    "unsubscribed": "unsubscribe",
    "complained": "complaint",
}
#: Words that another field tells apart.
SORTED = {"failed", "dropped"}
#: Mailgun's own codes for recipients that it didn't even try, and its reasons for them.
NOT_TRIED = {
    "605": "suppress-bounce",
    "606": "suppress-unsubscribe",
    "607": "suppress-complaint",
}
#: Words that say nothing of a message that was sent.
OTHER_MATTERS = {
    "stored": "a message that came in",
    "list_member_uploaded": "a mailing list",
    "list_member_upload_error": "a mailing list",
    "list_uploaded": "a mailing list",
}
#: Our field -> where it stands: in records of today, then in those of before 2018.
FIELDS = {
    "event_id": ("id",),
    "email": ("recipient", "message.headers.to"),
    "message_id": ("message.headers.message-id", "Message-Id", "message-id"),
    "link_url": ("url",),
    "user_agent": ("client-info.user-agent", "user-agent"),
    "ip": ("ip",),
}
CODES = ("delivery-status.code", "code")
REASON = (
    "delivery-status.message",
    "delivery-status.description",
    "error",
    "notification",
    "description",
    "reject.reason",
    "reject.description",
)
#: Kinds of which it is kept why.
EXPLAINED = {"bounce", "deferral", "suppressed"}

#: What a form had that Mailgun posted before 2018.
FORM = {"event", "recipient", "timestamp", "token", "signature"}


def recognises(row: Row) -> bool:
    """
    Whether a row is an event of Mailgun's.

    >>> recognises({"signature": {}, "event-data": {"event": "opened"}})
    True
    >>> recognises({"event": "opened", "message": {"headers": {"message-id": "m1"}}})
    True
    """
    in_webhook = isinstance(row.get("event-data"), dict)
    in_page = "event" in row and isinstance(value_at(row, "message.headers"), dict)
    return in_webhook or in_page or row.keys() >= FORM


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """One event per record."""
    record = object_at(row, "event-data") or row
    word = _word(record)
    kind = dialect.kind(WORDS, word)
    texts = texts_at(record, FIELDS)
    if kind in EXPLAINED:
        texts |= _explanation(record)
    return [
        build_event(
            row,
            dialect,
            kind=kind,
            word=word,
            time=record.get("timestamp"),
            texts=texts,
            by_machine=_by_machine(record),
            was_mailed=True,
        )
    ]


def _word(record: Row) -> str:
    word = required_text(record, "event")
    refuse_other_matters(word, OTHER_MATTERS)
    if word not in SORTED:
        return word
    reason = NOT_TRIED.get(text_at(record, *CODES)) or text_at(record, "reason")
    if f"{word} {reason}" in WORDS:
        return f"{word} {reason}"
    return f"{word} {text_at(record, 'severity')}".strip()


def _explanation(record: Row) -> dict[str, str]:
    codes = (text_at(record, *CODES), text_at(record, "delivery-status.enhanced-code"))
    words = (text_at(record, "severity"), text_at(record, "reason"))
    bounce_class = " ".join(filter(None, words))
    return {
        "bounce_code": " ".join(filter(None, codes)),
        "bounce_text": text_at(record, *REASON),
        "bounce_class": bounce_class and f"{NAME}: {bounce_class}",
    }


def _by_machine(record: Row) -> bool | None:
    """What Mailgun found out: a bot's name, or "" for none; None where it doesn't say."""
    bot = value_at(record, "client-info.bot")
    return None if bot is None else bool(bot)
