"""
SendGrid: the event webhook, the CSV of its Activity Feed, pages of messages, and its lists of
suppressions.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from cxtools.events.feeds.dialect import STANDARD, Dialect, build_event
from cxtools.events.feeds.plain import Plain, Value
from cxtools.events.feeds.values import Row, cell_text
from cxtools.model import Event

NAME = "sendgrid"
TITLE = "SendGrid"
SOURCE = "https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event"
EXPORT = (
    "Settings → Mail Settings → Event Webhook: keep what it posts, one JSON array or one event a "
    "line. Or Activity → Export CSV, the messages of its API, or the lists under Suppressions."
)
NEVER_TELLS = (
    "whether a machine opened, but for Apple's mail privacy; in messages of the API: why one "
    "wasn't delivered"
)

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
    "group_resubscribe": "none",
    # The Activity Feed has words of its own.
    "bounced": "bounce",
    "drop": "suppressed",
    "opened": "open",
    "clicked": "click",
    "spam_report": "complaint",
}
#: Our field -> SendGrid's, the first that is there.
FIELDS = {
    "event_id": ("sg_event_id",),
    "recipient_id": ("email",),
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


#: What the sender's own servers put behind an id of SendGrid's where that is the Message-ID.
OWN_HOST = re.compile(r"@(ismtpd|geopod|filter)[^@]*$")

#: The Activity Feed's word for a type of bounce -> the webhook's.
TYPES = {"bounced": "bounce"}
#: From so many things that are told of a message, it can't be said whose moment the only one is.
MOMENTS_UNSURE = 3
#: Columns that only the Activity Feed has.
ACTIVITY_MARKS = {"recv_message_id", "api_key_id", "outbound_ip", "originating_ip", "is_unique"}
#: What an entry of a list has, and may have.
LISTED = {"created", "email"}
LISTED_NAMES = LISTED | {"reason", "status", "ip"}
#: A name that entries of one list have -> what they were put on it for.
LISTS = {
    "status": "bounce",
    "reason": "invalid address",
    "ip": "spam report",
}


def recognises(row: Row) -> bool:
    """
    Whether a row is an event of SendGrid's webhook or Activity Feed, a message of its API, or an
    entry of one of its lists.

    >>> recognises({"event": "open", "sg_event_id": "x", "email": "ann@example.com"})
    True
    >>> recognises({"created": 1772442000, "email": "ann@example.com", "reason": "550 gone"})
    True
    """
    is_ours = _is_activity(row) or _is_message(row) or _is_listed(row)
    return PLAIN.marks_row(row) or is_ours or _seems_old(row)


def _is_activity(row: Row) -> bool:
    names = row.keys()
    is_event = {"event", "processed", "message_id"} <= names
    return is_event and not names.isdisjoint(ACTIVITY_MARKS)


def _is_message(row: Row) -> bool:
    return {"msg_id", "to_email", "status"} <= row.keys()


def _is_listed(row: Row) -> bool:
    return LISTED <= row.keys() <= LISTED_NAMES


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
    One event per record; of a message of the API one for each thing that is told of it.
    `message_id` is the sg_message_id without the name of the machine that handled it.
    """
    if _is_listed(row):
        return [_listed_event(row, dialect)]
    if _is_message(row):
        return [_message_event(row, each, dialect) for each in _told_of_message(row)]
    plain = ACTIVITY if _is_activity(row) else PLAIN
    return [plain.event(row, dialect)]


def plain_of(names: Collection[str]) -> Plain | None:
    """How the rows of a table with these columns are read together."""
    header = dict.fromkeys(names)
    if _is_listed(header) or _is_message(header):
        return None
    return ACTIVITY if _is_activity(header) else PLAIN


def _message_id(given: str, header: str) -> str:
    written = (given or header).removeprefix("<").removesuffix(">")
    return MACHINE_NAME.sub("", OWN_HOST.sub("", written))


def _listed_event(row: Row, dialect: Dialect) -> Event:
    """
    An address of a list: SendGrid doesn't mail it, since the moment it has. Where the user has a
    word for rows without one, it is a table of theirs with the same columns.
    """
    reasons = (why for name, why in LISTS.items() if row.get(name))
    word = "" if "" in dialect.event_map else f"listed {next(reasons, 'unsubscribe')}"
    return build_event(
        row,
        dialect,
        kind=dialect.kind({word: "suppressed"}, word),
        word=word,
        time=row["created"],
        texts={
            "email": cell_text(row["email"]),
            "bounce_code": cell_text(row.get("status")),
            "bounce_text": cell_text(row.get("reason")),
            "ip": cell_text(row.get("ip")),
        },
    )


def _told_of_message(row: Row) -> list[dict[str, Any]]:
    """
    What a message's entry tells: its state, and that it was opened and clicked; or its events. The
    only moment that an entry has is that of the last of these, whichever that is.
    """
    if isinstance(row.get("events"), list):
        return list(row["events"])
    words = [cell_text(row["status"])]
    if cell_text(row.get("opens_count")) not in ("", "0"):
        words.append("opened")
    if cell_text(row.get("clicks_count")) not in ("", "0"):
        words.append("clicked")
    told: list[dict[str, Any]] = [{"event_name": word} for word in words]
    if len(told) < MOMENTS_UNSURE:
        told[-1]["processed"] = row.get("last_event_time")
    return told


def _message_event(row: Row, told: Row, dialect: Dialect) -> Event:
    word = cell_text(told.get("event_name"))
    if not word:
        raise ValueError("an event without event_name")
    kind = dialect.kind(WORDS, word)
    kept = {name: cell for name, cell in row.items() if name != "events"}
    bounce_type = cell_text(told.get("bounce_type"))
    return build_event(
        {**kept, "told": told},
        dialect,
        kind=kind,
        word=word,
        time=told.get("processed"),
        texts={
            "email": cell_text(row["to_email"]),
            "message_id": _message_id(cell_text(row["msg_id"]), ""),
            "bounce_text": cell_text(told.get("reason")),
            "bounce_class": f"sendgrid: {bounce_type}" if bounce_type else "",
            "link_url": cell_text(told.get("url")),
            "user_agent": cell_text(told.get("http_user_agent")),
        },
    )


def _by_machine(flag: str) -> bool | None:
    """True where Apple's mail privacy fetched the images, whoever read the mail."""
    return flag.lower() == "true" if flag else None


def _bounce_class(word: str, kind: str, classification: str = "") -> str:
    """SendGrid's type (bounce or blocked) and classification; "" for what didn't bounce."""
    if WORDS.get(word) != "bounce":
        return ""
    words = " ".join(filter(None, (TYPES.get(kind, kind), classification)))
    return f"sendgrid: {words}" if words else ""


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
#: The Activity Feed's table: `processed` is the moment of the event, whatever it is.
ACTIVITY = Plain(
    word=("event",),
    words=WORDS,
    no_word="event is missing",
    time="processed",
    texts={
        "recipient_id": ("email",),
        "email": ("email",),
        "bounce_text": ("reason",),
        "link_url": ("url",),
        "user_agent": ("user_agent",),
    },
    values={
        "message_id": Value(("message_id", "recv_message_id"), _message_id),
        "bounce_class": Value(("event", "type"), _bounce_class),
    },
)
