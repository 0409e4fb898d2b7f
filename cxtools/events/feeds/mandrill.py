"""Mailchimp Transactional, formerly Mandrill: its webhooks, and the messages of its API."""

from __future__ import annotations

import json
from typing import Any

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

NAME = "mandrill"
TITLE = "Mailchimp Transactional (Mandrill)"
SOURCE = "https://mailchimp.com/developer/transactional/docs/webhooks/"
EXPORT = (
    "What a webhook receives in the field mandrill_events, one array a line, or what "
    "messages/search answers."
)
NEVER_TELLS = "that a message was delivered, unless that event is switched on"

#: Events of webhooks and, after them, the states of a message that are said otherwise, as
#: `spelling` leaves them.
WORDS = {
    "send": "sent",
    "delivered": "delivery",
    "deferral": "deferral",
    "hardbounce": "bounce",
    "softbounce": "bounce",
    "reject": "suppressed",
    "open": "open",
    "click": "click",
    "spam": "complaint",
    "unsub": "unsubscribe",
    "sent": "sent",
    "queued": "sent",
    "scheduled": "none",
    "deferred": "deferral",
    "bounced": "bounce",
    "softbounced": "bounce",
    "rejected": "suppressed",
}
#: Changes of a list, and mail that came in.
OTHER_MATTERS = {
    "allowlist": "a list of addresses",
    "blacklist": "a list of addresses",
    "denylist": "a list of addresses",
    "inbound": "a message that came in",
    "whitelist": "a list of addresses",
}
#: Our field -> where it stands in an event and the message that it is about.
FIELDS = {
    "message_id": ("_id", "msg._id"),
    "email": ("msg.email",),
    "link_url": ("url",),
    "user_agent": ("user_agent",),
    "ip": ("ip",),
}
#: The same of what the API says about a message, and of each open or click of it.
MESSAGE = {
    "message_id": ("_id",),
    "email": ("email",),
}
DETAIL = {
    "link_url": ("url",),
    "user_agent": ("ua",),
    "ip": ("ip",),
}
#: Lists of opens and clicks of a message -> our word for each.
DETAILS = {
    "opens_detail": "open",
    "clicks_detail": "click",
}
EXPLAINED = {"bounce", "deferral", "suppressed"}


def recognises(row: Row) -> bool:
    """
    Whether a row is an event of Mandrill's, a post of several, or a message of its API.

    >>> recognises({"event": "send", "msg": {"email": "ann@one.example"}})
    True
    >>> recognises({"mandrill_events": "[]"})
    True
    """
    in_webhook = "event" in row and isinstance(row.get("msg"), dict)
    of_list = "action" in row and row.get("type") in [*OTHER_MATTERS]
    in_api = "state" in row and not DETAILS.keys().isdisjoint(row)
    return "mandrill_events" in row or in_webhook or of_list or in_api


def events(row: Row, dialect: Dialect = STANDARD) -> list[Event]:
    """
    One event per record of a webhook; of a message of the API what became of it, each open and each
    click.
    """
    if "mandrill_events" in row:
        found = [_event(record, dialect) for record in _posted(row["mandrill_events"])]
        if not found:
            raise ValueError("mandrill_events holds no event")
        return found
    if isinstance(row.get("state"), str) and "msg" not in row:
        return _events_of_message(row, dialect)
    return [_event(row, dialect)]


def _posted(form_field: object) -> list[Row]:
    """The records that one post held."""
    records = json.loads(form_field) if isinstance(form_field, str) else form_field
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ValueError("mandrill_events is not an array of events")
    return records


def _event(record: Row, dialect: Dialect) -> Event:
    word = required_text(record, "event", "type")
    refuse_other_matters(word, OTHER_MATTERS)
    kind = dialect.kind(WORDS, word)
    texts = texts_at(record, FIELDS)
    if kind in EXPLAINED:
        texts |= _explanation(word, object_at(record, "msg"))
    time = text_at(record, "ts", "msg.ts")
    return build_event(record, dialect, kind=kind, word=word, time=time, texts=texts)


def _events_of_message(message: Row, dialect: Dialect) -> list[Event]:
    word = text_at(message, "state")
    kind = dialect.kind(WORDS, word)
    texts = texts_at(message, MESSAGE)
    explanation = _explanation(word, message) if kind in EXPLAINED else {}
    made = [
        build_event(
            message,
            dialect,
            kind=kind,
            word=word,
            time=message.get("ts"),
            texts=texts | explanation,
        )
    ]
    for name, detail_word in DETAILS.items():
        for detail in _objects(message.get(name)):
            made.append(_event_of_detail(message, texts, detail_word, detail, dialect))
    return made


def _objects(value: object) -> list[Row]:
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, dict)]


def _event_of_detail(
    message: Row,
    texts: dict[str, str],
    word: str,
    detail: Row,
    dialect: Dialect,
) -> Event:
    return build_event(
        {"_id": message.get("_id"), "email": message.get("email"), word: detail},
        dialect,
        kind=dialect.kind(WORDS, word),
        word=word,
        time=detail.get("ts"),
        texts=texts | texts_at(detail, DETAIL),
    )


def _explanation(word: str, message: Row) -> dict[str, Any]:
    """What the server said, or the last attempt; and Mandrill's own word, or its reason."""
    attempts = _objects(value_at(message, "smtp_events"))
    last_attempt = attempts[-1] if attempts else {}
    sort = text_at(message, "bounce_description", "reject.reason")
    return {
        "bounce_text": text_at(message, "diag") or text_at(last_attempt, "diag"),
        "bounce_class": f"{NAME}: {word} {sort}".strip(),
    }
